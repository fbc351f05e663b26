#include "app/remote/following_hash.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/base/digest.h"

#include <fstream>
#include <gtest/gtest.h>

namespace gantry::app {
namespace {

TEST(FollowingHash, IsThatOfTheWholeFileHoweverItGrows)
{
    const test::TemporaryFolder folder;
    const auto path = folder / "part";
    std::ofstream file(path, std::ios::binary);
    std::uint64_t size = 0;
    const auto grow = [&](std::size_t bytes) {
        file << std::string(bytes, static_cast<char>(bytes % 251)) << std::flush;
        size += bytes;
    };
    grow(1'000'003); // of a fetch that was cut before
    FollowingHash hash(path);
    hash.grownTo(size);
    for (const std::size_t bytes : {1U, 262'144U, 262'143U, 3U, 5'000'000U}) {
        grow(bytes);
        hash.grownTo(size);
    }
    grow(7);
    const auto digest = hash.finish(size);
    ASSERT_TRUE(digest) << digest.error().text();
    EXPECT_EQ(*digest, *sha256OfFile(path));
}

TEST(FollowingHash, OfAnEmptyFileIsKnownAndOfOneThatIsGoneIsAnError)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "empty").flush();
    EXPECT_EQ(*FollowingHash(folder / "empty").finish(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_FALSE(FollowingHash(folder / "gone").finish(1));
    EXPECT_EQ(FollowingHash(folder / "empty").finish(1).error().code, ErrorCode::Truncated);
}

TEST(FollowingHash, IsGivenUpWithoutWaitingForTheRest)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "part") << "some";
    FollowingHash hash(folder / "part");
    hash.grownTo(4);
}

TEST(FollowingHash, IsGivenUpInTheMiddleOfWhatIsThereAlready)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "part").flush();
    constexpr std::uint64_t kSize = 1ULL << 40; // a hole: to hash it would take half an hour
    std::filesystem::resize_file(folder / "part", kSize);
    FollowingHash hash(folder / "part");
    hash.grownTo(kSize);
}

} // namespace
} // namespace gantry::app
