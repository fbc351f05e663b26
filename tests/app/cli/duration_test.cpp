#include "app/cli/duration.h"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

TEST(ParseDuration, ReadsEveryUnit)
{
    const std::pair<const char*, DurationNs> cases[] = {
        {"1ns", 1}, {"250us", 250'000}, {"250µs", 250'000}, {"500ms", 500'000'000}, {"2s", 2'000'000'000}, {"1.5s", 1'500'000'000},
        {"1m", 60'000'000'000}, {"0.5h", 1'800'000'000'000}, {".5s", 500'000'000},
    };
    for (const auto& [text, expected] : cases) {
        const auto parsed = parseDuration(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, expected) << text;
    }
}

TEST(ParseDuration, RefusesWhatCouldBeMisread)
{
    for (const char* text : {"", "2", "s", "2 s", " 2s", "2s ", "2sec", "-2s", "0s", "0.1ns", "1e3s", "inf", "infs", "nan", "0x10s", "2s500ms", "9999999999h"}) {
        const auto parsed = parseDuration(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::BadInput) << text;
    }
}

TEST(ParseOffset, HasASignAndMayBeZeroOrLeftToTheClocks)
{
    EXPECT_EQ(*parseOffset("1.5ms"), 1'500'000);
    EXPECT_EQ(*parseOffset("+2s"), 2'000'000'000);
    EXPECT_EQ(*parseOffset("-20us"), -20'000);
    EXPECT_EQ(*parseOffset("0"), 0);
    EXPECT_EQ(*parseOffset("0ms"), 0);
    EXPECT_EQ(*parseOffset("auto"), std::nullopt);
    for (const char* text : {"", "banana", "5", "--5ms", "-", "ms", "5 ms", "1e3ms", "9999999999h"})
        EXPECT_FALSE(parseOffset(text)) << text;
}

} // namespace
} // namespace gantry::cli
