#include "trace_model/import/read_ahead.h"

#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

namespace gantry::importing {
namespace {

/// Some megabytes of text.
std::string numbersUpTo(int last)
{
    std::string text;
    for (int i = 0; i < last; ++i)
        text += std::to_string(i) + "\n";
    return text;
}

TEST(ReadAhead, GivesTheSameBytesAndStopsWhenItIsNotReadToTheEnd)
{
    const test::TemporaryFolder folder;
    const std::string text = numbersUpTo(1'200'000);
    test::writeFile(folder / "file.gz", test::gzip(text));
    {
        const auto source = report::ByteSource::open(folder / "file.gz");
        ReadAhead ahead(**source);
        std::string all, block(123'457, '\0');
        while (true) {
            const auto count = ahead.read(block);
            ASSERT_TRUE(count);
            all.append(block, 0, *count);
            if (*count < block.size())
                break;
        }
        EXPECT_EQ(all, text);
    }
    const auto source = report::ByteSource::open(folder / "file.gz");
    ReadAhead ahead(**source);
    std::string block(10, '\0');
    ASSERT_TRUE(ahead.read(block));
    EXPECT_EQ(block, text.substr(0, 10));
}

TEST(ReadAhead, PassesErrorsOnBehindTheBytesBeforeThem)
{
    const test::TemporaryFolder folder;
    test::writeFile(folder / "bomb.gz", test::gzip(std::string(40'000'000, '0')));
    const auto source = report::ByteSource::open(folder / "bomb.gz", {20'000'000, 10});
    ReadAhead ahead(**source);
    std::string block(1'000'000, '\0');
    std::size_t delivered = 0;
    while (true) {
        const auto count = ahead.read(block);
        if (!count) {
            EXPECT_EQ(count.error().code, ErrorCode::BadInput);
            break;
        }
        ASSERT_GT(*count, 0u);
        delivered += *count;
    }
    EXPECT_GT(delivered, 10'000'000u);
}

} // namespace
} // namespace gantry::importing
