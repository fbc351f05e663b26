#include "trace_model/report/byte_source.h"

#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>

#include <optional>
#include <sys/stat.h>

namespace gantry::report {
namespace {

using testing::HasSubstr;

/// Text that does not pack to nothing.
std::string sampleText(std::size_t bytes)
{
    std::string text;
    std::uint32_t state = 7;
    while (text.size() < bytes) {
        state = state * 1664525 + 1013904223;
        text += std::to_string(state >> 8) + "\n";
    }
    text.resize(bytes);
    return text;
}

struct Unpacked
{
    std::string bytes, damage;
    std::optional<Error> error;
    Packing packing = Packing::None;
};

Unpacked readAll(const std::string& content, std::size_t blockBytes = 1000, UnpackLimits limits = {})
{
    const test::TemporaryFolder folder;
    test::writeFile(folder / "file.bin", content);
    Unpacked all;
    auto source = ByteSource::open(folder / "file.bin", limits);
    if (!source) {
        all.error = source.error();
        return all;
    }
    all.packing = (*source)->packing();
    std::string block(blockBytes, '\0');
    while (true) {
        const auto count = (*source)->read(block);
        if (!count) {
            all.error = count.error();
            break;
        }
        all.bytes.append(block, 0, *count);
        if (*count < block.size())
            break;
    }
    all.damage = (*source)->damage();
    return all;
}

TEST(ByteSource, UnpacksByContentWhateverTheName)
{
    const std::string text = sampleText(700'000);
    for (const std::size_t block : {std::size_t{1000}, text.size(), text.size() * 2}) {
        const Unpacked plain = readAll(text, block), gzip = readAll(test::gzip(text), block), zstd = readAll(test::zstd(text), block);
        EXPECT_EQ(plain.bytes, text);
        EXPECT_EQ(plain.packing, Packing::None);
        EXPECT_EQ(gzip.bytes, text);
        EXPECT_EQ(gzip.packing, Packing::Gzip);
        EXPECT_EQ(zstd.bytes, text);
        EXPECT_EQ(zstd.packing, Packing::Zstd);
        EXPECT_EQ(gzip.damage + zstd.damage, "");
    }
}

TEST(ByteSource, UnpacksStreamsBehindEachOtherAndIgnoresPadding)
{
    const std::string a = sampleText(5000), b = sampleText(3000);
    EXPECT_EQ(readAll(test::gzip(a) + test::gzip(b)).bytes, a + b);
    EXPECT_EQ(readAll(test::zstd(a) + test::zstd(b)).bytes, a + b);
    const Unpacked padded = readAll(test::gzip(a) + std::string(512, '\0'));
    EXPECT_EQ(padded.bytes, a);
    EXPECT_EQ(padded.damage, "");
}

TEST(ByteSource, DeliversWhatATruncatedFileHoldsAndThenSaysSo)
{
    const std::string text = sampleText(300'000);
    for (const std::string& packed : {test::gzip(text), test::zstd(text)}) {
        const Unpacked half = readAll(packed.substr(0, packed.size() / 2));
        EXPECT_FALSE(half.error);
        EXPECT_GT(half.bytes.size(), 10'000u);
        EXPECT_EQ(half.bytes, text.substr(0, half.bytes.size()));
        EXPECT_THAT(half.damage, HasSubstr("cut off"));
    }
    const Unpacked head = readAll(test::gzip(text).substr(0, 5));
    EXPECT_FALSE(head.error);
    EXPECT_EQ(head.bytes, "");
    EXPECT_THAT(head.damage, HasSubstr("cut off"));
}

TEST(ByteSource, DeliversWhatComesBeforeDamage)
{
    const std::string text = sampleText(300'000);
    std::string packed = test::gzip(text);
    for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i)
        packed[i] = static_cast<char>(~packed[i]);
    const Unpacked damaged = readAll(packed);
    EXPECT_FALSE(damaged.error);
    EXPECT_GT(damaged.bytes.size(), 10'000u);
    EXPECT_NE(damaged.damage, "");
}

TEST(ByteSource, StopsAtABombButNotAtWhatPacksWellOrIsLarge)
{
    const std::string zeros(4'000'000, '0');
    const UnpackLimits limits{1'000'000, 200};
    const Unpacked bomb = readAll(test::gzip(zeros), 64'000, limits);
    ASSERT_TRUE(bomb.error);
    EXPECT_EQ(bomb.error->code, ErrorCode::BadInput);
    EXPECT_THAT(bomb.error->message, HasSubstr("200 times"));
    EXPECT_LT(bomb.bytes.size(), 1'200'000u);
    EXPECT_TRUE(readAll(test::zstd(zeros), 64'000, limits).error);
    EXPECT_EQ(readAll(test::gzip(zeros.substr(0, 900'000)), 64'000, limits).bytes.size(), 900'000u) << "packs well, but is small";
    const std::string text = sampleText(3'000'000);
    EXPECT_EQ(readAll(test::gzip(text), 64'000, limits).bytes, text) << "large, but packs as text does";
}

TEST(ByteSource, RefusesWhatIsNoFileWithContentAndNeverWaits)
{
    EXPECT_THAT(readAll("").error->message, HasSubstr("is empty"));
    const test::TemporaryFolder folder;
    EXPECT_THAT(ByteSource::open(folder.path()).error().message, HasSubstr("is a folder"));
    EXPECT_EQ(ByteSource::open(folder / "absent").error().code, ErrorCode::NotFound);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    for (const std::filesystem::path& path : {folder / "pipe", std::filesystem::path("/dev/zero")})
        EXPECT_THAT(ByteSource::open(path).error().message, HasSubstr("is a device or a pipe"));
}

} // namespace
} // namespace gantry::report
