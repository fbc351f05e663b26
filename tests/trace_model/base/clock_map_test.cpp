#include "trace_model/base/clock_map.h"

#include <gtest/gtest.h>

#include <random>

namespace gantry {
namespace {

TEST(ClockMap, WithoutPairsAReadingIsItself)
{
    EXPECT_EQ(ClockMap().convert(1234), 1234);
}

TEST(ClockMap, InterpolatesTheOffsetBetweenPairsAndKeepsTheNearestOutside)
{
    ClockMap map;
    map.add(2000, 12'010); // in any order
    map.add(1000, 11'000);
    EXPECT_EQ(map.convert(1000), 11'000);
    EXPECT_EQ(map.convert(1500), 11'505);
    EXPECT_EQ(map.convert(2000), 12'010);
    EXPECT_EQ(map.convert(0), 10'000);
    EXPECT_EQ(map.convert(3000), 13'010);
    EXPECT_EQ(map.largestStep(), 10);
}

TEST(ClockMap, APlaceThatIsKeptChangesNoResult)
{
    std::mt19937_64 random(1); // NOLINT(bugprone-random-generator-seed): the same readings in every run
    for (const int pairs : {0, 1, 2, 3, 20}) {
        ClockMap map;
        for (int i = 0; i < pairs; ++i)
            map.add(1000 + i * 500, 100'000 + i * 500 + static_cast<std::int64_t>(random() % 50));
        std::size_t place = 0;
        for (int i = 0; i < 20'000; ++i) {
            const auto reading = static_cast<std::int64_t>(random() % 14'000);
            ASSERT_EQ(map.convert(reading, place), map.convert(reading)) << pairs << " pairs, " << reading;
        }
    }
}

} // namespace
} // namespace gantry
