#include "trace_model/base/stoppable.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace gantry {
namespace {

std::vector<std::uint32_t> shuffled(std::size_t count)
{
    std::mt19937 random(7);
    std::vector<std::uint32_t> values(count);
    for (std::uint32_t& value : values)
        value = random();
    return values;
}

TEST(StoppableSort, SortsAsStdSortDoesWhateverTheNumberOfRuns)
{
    constexpr std::size_t kRun = std::size_t{1} << 18;
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kRun, kRun + 1, 3 * kRun - 5, 5 * kRun}) {
        std::vector<std::uint32_t> values = shuffled(count), expected = values;
        std::sort(expected.begin(), expected.end());
        EXPECT_TRUE(sortUnlessStopped(values.begin(), values.end(), {}));
        EXPECT_EQ(values, expected) << count;
    }
}

TEST(StoppableSort, EndsWithTheRunInWhichItIsStopped)
{
    std::vector<std::uint32_t> values = shuffled(2'000'000);
    std::stop_source stop;
    std::size_t comparisons = 0, atStop = 0;
    const bool isSorted = sortUnlessStopped(values.begin(), values.end(), stop.get_token(), [&](std::uint32_t x, std::uint32_t y) {
        if (++comparisons == 1'000'000) {
            stop.request_stop();
            atStop = comparisons;
        }
        return x < y;
    });
    EXPECT_FALSE(isSorted);
    EXPECT_GT(atStop, 0u);
    EXPECT_LT(comparisons - atStop, 8'000'000u); // one run of 262 144 and not the two million
}

TEST(StopCheck, LooksAtTheTokenOnceInAWhile)
{
    std::stop_source stop;
    const StopCheck isStopped(stop.get_token());
    stop.request_stop();
    EXPECT_TRUE(isStopped(0));
    EXPECT_FALSE(isStopped(1));
    std::size_t row = 1;
    while (!isStopped(row))
        ++row;
    EXPECT_LE(row, 10'000u);
}

} // namespace
} // namespace gantry
