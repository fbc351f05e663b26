#include "trace_model/report/byte_source.h"

#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>

#include <fstream>
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

/// As a download leaves it that set the length first.
void writeWithHole(const std::filesystem::path& path, std::string_view content)
{
    test::writeFile(path, content);
    std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
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

// Thirty gigabytes of zeros took half a minute before anything was said.
TEST(ByteSource, EndsWhereTheRestOfTheFileWasNeverWritten)
{
    const test::TemporaryFolder folder;
    writeWithHole(folder / "a", std::string(10'000, 'x'));
    auto source = ByteSource::open(folder / "a");
    ASSERT_TRUE(source) << source.error().text();
    if ((*source)->unwrittenBytes() == 0)
        GTEST_SKIP() << "the file system of " << folder.path() << " does not tell where holes are";
    EXPECT_EQ((*source)->fileBytes() + (*source)->unwrittenBytes(), std::uint64_t{1} << 40);
    EXPECT_LT((*source)->fileBytes(), 1u << 20) << "10,000 bytes, and those of their last block";
    EXPECT_THAT((*source)->damage(), HasSubstr("were never written"));
    std::string bytes(2 << 20, '-');
    EXPECT_EQ((*source)->readAt(0, bytes).value(), (*source)->fileBytes());
    EXPECT_EQ((*source)->readAt((*source)->fileBytes(), bytes).value(), 0u);
    EXPECT_EQ((*source)->readAt((*source)->fileBytes() + 5, bytes).value(), 0u);
    EXPECT_EQ((*source)->read(bytes).value(), (*source)->fileBytes());
    EXPECT_TRUE(bytes.starts_with(std::string(10'000, 'x') + '\0'));

    writeWithHole(folder / "b", "");
    const auto nothing = ByteSource::open(folder / "b");
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, ErrorCode::NotAReport);
    EXPECT_THAT(nothing.error().text(), HasSubstr("is a hole of 1099511627776 bytes"));
}

// Parts of a file that were never written, but have something behind them, are zeros as for every other program.
TEST(ByteSource, ReadsAHoleInTheMiddleOfAFileAsZeros)
{
    const test::TemporaryFolder folder;
    test::writeFile(folder / "a", "begin");
    std::filesystem::resize_file(folder / "a", 1 << 20);
    std::ofstream(folder / "a", std::ios::app | std::ios::binary) << "end";
    auto source = ByteSource::open(folder / "a");
    ASSERT_TRUE(source);
    EXPECT_EQ((*source)->fileBytes(), (1u << 20) + 3);
    EXPECT_EQ((*source)->damage(), "");
    std::string bytes(2 << 20, '-');
    EXPECT_EQ((*source)->read(bytes).value(), (1u << 20) + 3);
    EXPECT_EQ(bytes.substr((1 << 20) - 1, 4), std::string("\0end", 4));
}

} // namespace
} // namespace gantry::report
