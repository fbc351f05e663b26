#include "trace_model/analysis/grouped_durations.h"

#include "trace_model/trace/column_sets.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

namespace gantry::analysis {
namespace {

void expectEqual(const Distribution& found, const Distribution& expected, const std::string& where)
{
    EXPECT_EQ(found.count, expected.count) << where;
    EXPECT_EQ(found.total, expected.total) << where;
    EXPECT_EQ(found.min, expected.min) << where;
    EXPECT_EQ(found.p50, expected.p50) << where;
    EXPECT_EQ(found.p95, expected.p95) << where;
    EXPECT_EQ(found.p99, expected.p99) << where;
    EXPECT_EQ(found.max, expected.max) << where;
}

void expectGroupOf(const std::vector<DurationNs>& durations, const DurationGroup& found, const std::string& where)
{
    const Distribution expected = distributionOf(durations);
    expectEqual(found.duration, expected, where);
    EXPECT_EQ(found.histogram, durationHistogram(durations, {expected.min, expected.max})) << where;
}

TEST(DistributionOfMany, IsThatOfSortingForEveryShapeOfDurations)
{
    std::mt19937_64 random(3);
    for (int shape = 0; shape < 6; ++shape) {
        std::vector<DurationNs> durations;
        for (int i = 0; i < 20'000; ++i) {
            const std::uint64_t r = random();
            durations.push_back(shape == 0   ? 5                                // all equal
                                : shape == 1 ? static_cast<DurationNs>(r % 100) // few values
                                : shape == 2 ? static_cast<DurationNs>(r % 1'000'000)
                                : shape == 3 ? static_cast<DurationNs>(r >> (r % 40 + 5)) // all magnitudes, up to nine years
                                : shape == 4 ? (i % 100 == 0 ? DurationNs{1} << 57 : 0)
                                             : static_cast<DurationNs>(i));
        }
        expectEqual(distributionOfMany(durations), distributionOf(durations), "shape " + std::to_string(shape));
    }
    EXPECT_EQ(distributionOfMany({}).count, 0u);
}

// It overflowed: a total of a damaged file's durations was negative.
TEST(DistributionOfMany, HasATotalThatIsNoMoreThanThereIs)
{
    constexpr DurationNs kMost = std::numeric_limits<DurationNs>::max();
    for (const std::size_t count : {2u, 20'000u}) {
        const std::vector<DurationNs> durations(count, kMost / 2 + 1);
        EXPECT_EQ(distributionOf(durations).total, kMost) << count;
        EXPECT_EQ(distributionOfMany(durations).total, kMost) << count;
    }
}

TEST(GroupedDurations, OfMoreGroupsThanAreCountedAtATimeAreThoseOfFew)
{
    constexpr std::uint32_t kGroups = 5'000;
    std::mt19937_64 random(5);
    trace::EventColumns columns;
    trace::Column<std::uint32_t> numbers;
    std::vector<std::uint64_t> bytes;
    std::vector<std::vector<DurationNs>> durations(kGroups);
    for (TimestampNs start = 0; start < 40'000; ++start) {
        const auto duration = static_cast<DurationNs>(random() % 5000);
        const auto group = static_cast<std::uint32_t>(random() % (kGroups + 1)); // the last one is none
        columns.addTimes(start, start + duration);
        numbers.push_back(group);
        bytes.push_back(1);
        if (group < kGroups)
            durations[group].push_back(duration);
    }
    trace::freeze(columns);
    std::vector<std::uint32_t> groups(kGroups);
    std::iota(groups.begin(), groups.end(), 0u);
    const auto found = groupDurations(columns, trace::rowsIn(columns, {0, 50'000}), numbers, groups, kGroups, bytes);
    ASSERT_EQ(found.size(), kGroups);
    for (std::uint32_t group = 0; group < kGroups; ++group) {
        expectGroupOf(durations[group], found[group], "group " + std::to_string(group));
        EXPECT_EQ(found[group].bytes, durations[group].size());
        if (!durations[group].empty()) {
            EXPECT_EQ(columns.duration(found[group].longestRow), found[group].duration.max);
            EXPECT_EQ(numbers[found[group].longestRow], group);
        }
    }
}

TEST(GroupedDurations, AreThoseOfALookAtEveryRowInEveryWindow)
{
    std::mt19937_64 random(4);
    for (const bool hasLong : {false, true}) {
        trace::EventColumns columns;
        for (int i = 0; i < 30'000; ++i) {
            const auto start = static_cast<TimestampNs>(random() % 1'000'000);
            columns.addTimes(start, start + static_cast<DurationNs>(hasLong && random() % 1000 == 0 ? 5'000'000'000 : random() % 5000));
        }
        trace::sortByStart(columns);
        trace::freeze(columns);
        trace::Column<std::uint32_t> numbers;
        std::vector<std::uint64_t> bytes;
        for (std::size_t row = 0; row < columns.size(); ++row) {
            numbers.push_back(static_cast<std::uint32_t>(random() % 7));
            bytes.push_back(random() % 1000);
        }
        const std::vector<std::uint32_t> groups = {0, 1, 2, 0, 1, 2}; // number 6 is of no group
        for (int round = 0; round < 10; ++round) {
            const auto start = static_cast<TimestampNs>(random() % 1'000'000);
            const TimeRange window{start, start + static_cast<TimestampNs>(random() % 700'000)};
            const trace::RowSelection rows = trace::rowsIn(columns, window);
            const auto found = groupDurations(columns, rows, numbers, groups, 3, bytes);
            ASSERT_EQ(found.size(), 3u);
            for (std::uint32_t group = 0; group < 3; ++group) {
                std::vector<DurationNs> durations;
                std::uint64_t sum = 0;
                std::uint32_t longest = 0;
                for (std::size_t i = 0; i < rows.size(); ++i)
                    if (numbers[rows[i]] < 6 && groups[numbers[rows[i]]] == group) {
                        if (durations.empty() || columns.duration(rows[i]) > columns.duration(longest))
                            longest = rows[i];
                        durations.push_back(columns.duration(rows[i]));
                        sum += bytes[rows[i]];
                    }
                expectGroupOf(durations, found[group], "group " + std::to_string(group));
                EXPECT_EQ(found[group].bytes, sum);
                if (!durations.empty()) {
                    EXPECT_EQ(found[group].longestRow, longest);
                }
            }
        }
    }
}

} // namespace
} // namespace gantry::analysis
