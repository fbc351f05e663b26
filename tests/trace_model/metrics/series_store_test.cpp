#include "trace_model/metrics/series_store.h"

#include <gtest/gtest.h>

namespace gantry::metrics {
namespace {

constexpr TimestampNs kSecond = 1'000'000'000;

SeriesStore storeWith(std::size_t maxPoints = 100)
{
    SeriesStore store(maxPoints);
    SeriesDefinition definition;
    definition.id = 1;
    definition.kind = SeriesKind::Counter;
    store.define(definition);
    return store;
}

TEST(SeriesStore, RefusesSamplesOfUnknownSeriesAndOutOfOrderOnes)
{
    SeriesStore store = storeWith();
    store.append({2, 0, 1});
    store.append({1, 10, 1});
    store.append({1, 5, 1});
    EXPECT_EQ(store.refused(), 2u);
    EXPECT_EQ(store.snapshot(1, {0, 100}).size(), 1u);
    EXPECT_EQ(store.newest(), 10);
}

TEST(SeriesStore, KeepsTheNewestPointsAndCountsTheOthers)
{
    SeriesStore store = storeWith(3);
    for (TimestampNs t = 0; t < 10; ++t)
        store.append({1, t, static_cast<double>(t)});
    EXPECT_EQ(store.evicted(), 7u);
    const auto points = store.snapshot(1, {0, 100});
    ASSERT_EQ(points.size(), 3u);
    EXPECT_EQ(points.front().time, 7);
}

TEST(SeriesStore, SnapshotIsHalfOpen)
{
    SeriesStore store = storeWith();
    for (TimestampNs t = 0; t < 10; ++t)
        store.append({1, t, 0});
    const auto points = store.snapshot(1, {3, 6});
    ASSERT_EQ(points.size(), 3u);
    EXPECT_EQ(points.front().time, 3);
    EXPECT_EQ(points.back().time, 5);
}

TEST(SeriesStore, ARestartLeavesAGapInTheRate)
{
    SeriesStore store = storeWith();
    store.append({1, 0, 100});
    store.append({1, kSecond, 110});
    store.append({1, 2 * kSecond, 4}); // restarted
    store.append({1, 3 * kSecond, 9});
    const auto rate = store.rate(1, {0, 10 * kSecond});
    ASSERT_EQ(rate.size(), 2u);
    EXPECT_EQ(rate[0].time, kSecond);
    EXPECT_DOUBLE_EQ(rate[0].value, 10);
    EXPECT_EQ(rate[1].time, 3 * kSecond);
    EXPECT_DOUBLE_EQ(rate[1].value, 5);
}

TEST(RatioOfRates, DividesWhereBothHaveAPointAndSomethingHappened)
{
    const auto ratio = ratioOfRates({{1, 10}, {2, 20}, {3, 30}}, {{1, 2}, {3, 0}});
    ASSERT_EQ(ratio.size(), 1u);
    EXPECT_EQ(ratio[0].time, 1);
    EXPECT_DOUBLE_EQ(ratio[0].value, 5);
}

} // namespace
} // namespace gantry::metrics
