#include "trace_model/import/file_contents.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace gantry::importing {
namespace {

using test::gzip;
using test::zstd;

/// Text that does not pack to nothing.
std::string sample(std::size_t bytes)
{
    std::string text;
    for (std::uint32_t value = 1; text.size() < bytes; value = value * 1664525u + 1013904223u)
        text += std::to_string(value) + "\n";
    text.resize(bytes);
    return text;
}

class ReadingAFile : public testing::Test
{
protected:
    [[nodiscard]] Result<FileContents> whole(std::string_view bytes, std::optional<std::uint64_t> largest = {}) const
    {
        test::writeFile(path, bytes);
        return readWhole(path, {}, largest);
    }

    test::TemporaryFolder folder;
    std::filesystem::path path = folder / "file";
};

TEST_F(ReadingAFile, GivesTheSameHoweverItIsPacked)
{
    const std::string text = sample(1'000'000);
    for (const auto& [bytes, packing] :
         {std::pair(text, Packing::None), std::pair(gzip(text), Packing::Gzip), std::pair(zstd(text), Packing::Zstd)}) {
        const auto contents = whole(bytes);
        ASSERT_TRUE(contents) << contents.error().text();
        EXPECT_EQ(contents->text, text);
        EXPECT_EQ(contents->packing, packing);
        EXPECT_EQ(contents->fileBytes, bytes.size());
        EXPECT_EQ(contents->damage, "");
        EXPECT_EQ(readHead(path, 1000)->text, text.substr(0, 1000));
        EXPECT_EQ(readHead(path, 1000)->damage, "");
        EXPECT_EQ(readHead(path, 2'000'000)->text, text);
    }
}

TEST_F(ReadingAFile, GivesAllMembersOfAPackedFileThatWasPutTogether)
{
    EXPECT_EQ(whole(gzip("one") + gzip("two"))->text, "onetwo");
    EXPECT_EQ(whole(zstd("one") + zstd("two"))->text, "onetwo");
    EXPECT_EQ(whole("").error().code, ErrorCode::NotAReport);
}

TEST_F(ReadingAFile, GivesWhatLiesBeforeTheCutOfAPackedFile)
{
    const std::string text = sample(1'000'000);
    for (const std::string& packed : {gzip(text), zstd(text)}) {
        const auto contents = whole(packed.substr(0, packed.size() / 2));
        ASSERT_TRUE(contents);
        EXPECT_NE(contents->damage, "");
        EXPECT_GT(contents->text.size(), 10'000u);
        EXPECT_TRUE(text.starts_with(contents->text));
        test::CollectingSink sink;
        describeFile(path, *contents, sink);
        EXPECT_EQ(sink.meta().warnings.size(), 1u);
        EXPECT_FALSE(sink.meta().complete);
        EXPECT_EQ(sink.report().file, "file");
    }
}

TEST_F(ReadingAFile, GivesWhatLiesBeforeTheDamageOfAPackedFile)
{
    std::string packed = gzip(sample(1'000'000));
    for (std::size_t at = packed.size() / 2; at < packed.size() / 2 + 64; ++at)
        packed[at] = static_cast<char>(~packed[at]);
    const auto contents = whole(packed);
    ASSERT_TRUE(contents);
    EXPECT_NE(contents->damage, "");
}

TEST_F(ReadingAFile, RefusesABombWithoutUnpackingIt)
{
    const std::string zeros(64 << 20, '\0');
    for (const std::string& packed : {gzip(zeros), zstd(zeros), std::string(2 << 20, 'x')}) {
        const auto contents = whole(packed, 1 << 20);
        ASSERT_FALSE(contents);
        EXPECT_EQ(contents.error().code, ErrorCode::BadInput);
        EXPECT_NE(contents.error().message.find("more than 1 MiB"), std::string::npos) << contents.error().message;
    }
}

// It was read up to the limit first: minutes, of a file on a network.
TEST_F(ReadingAFile, RefusesAFileThatIsTooLargeWithoutReadingIt)
{
    test::writeFile(path, "x");
    std::filesystem::resize_file(path, std::uintmax_t{1} << 40); // a hole, and something behind it
    std::ofstream(path, std::ios::app) << "x";
    bool isRead = false;
    const auto contents = readWhole(path, {[&](double, std::string_view) { isRead = true; }, {}});
    ASSERT_FALSE(contents);
    EXPECT_EQ(contents.error().code, ErrorCode::BadInput);
    EXPECT_NE(contents.error().message.find("more than there is memory for"), std::string::npos) << contents.error().message;
    EXPECT_FALSE(isRead);
}

TEST_F(ReadingAFile, RefusesAFolderAndAPipe)
{
    EXPECT_EQ(readHead(folder.path()).error().code, ErrorCode::NotAReport);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(readHead(path).error().code, ErrorCode::NotAReport);
    EXPECT_EQ(readHead(folder / "absent").error().code, ErrorCode::NotFound);
}

TEST_F(ReadingAFile, SaysThatItMayNotBeRead)
{
    if (geteuid() == 0)
        GTEST_SKIP() << "root may read everything";
    test::writeFile(path, "x");
    std::filesystem::permissions(path, std::filesystem::perms::none);
    EXPECT_EQ(readHead(path).error().code, ErrorCode::NotPermitted);
}

TEST_F(ReadingAFile, EndsWithAStop)
{
    test::writeFile(path, "text");
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(readWhole(path, {{}, stop.get_token()}).error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace gantry::importing
