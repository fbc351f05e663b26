#include "trace_model/metrics/series_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

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

SeriesDefinition named(std::uint32_t id, const char* name)
{
    SeriesDefinition definition;
    definition.id = id;
    definition.name = name;
    return definition;
}

TEST(SeriesStore, FindsTheSeriesOfAMetricByItsNameAsTheyComeAndGo)
{
    SeriesStore store;
    for (const auto& [id, name] : {std::pair(3U, "a"), std::pair(1U, "a"), std::pair(2U, "b")})
        store.define(named(id, name));
    const auto ids = [&](const char* name) {
        std::vector<std::uint32_t> found;
        for (const SeriesDefinition* series : store.named(name))
            found.push_back(series->id);
        return found;
    };
    EXPECT_EQ(ids("a"), (std::vector<std::uint32_t>{1, 3}));
    EXPECT_TRUE(ids("c").empty());
    store.define(named(1, "b")); // it is called otherwise now
    EXPECT_EQ(ids("a"), (std::vector<std::uint32_t>{3}));
    EXPECT_EQ(ids("b"), (std::vector<std::uint32_t>{1, 2}));
    store.remove(std::vector<std::uint32_t>{2, 3, 99});
    EXPECT_TRUE(ids("a").empty());
    EXPECT_EQ(ids("b"), (std::vector<std::uint32_t>{1}));
    EXPECT_EQ(store.definitions().size(), 1U);
    store.append({2, 5, 1});
    EXPECT_EQ(store.refused(), 1U) << "of a series that was forgotten";
    store.clear();
    EXPECT_TRUE(ids("b").empty());
}

TEST(SeriesStore, ForgetsWhatHasEndedAndNotWhatHasNoPointYet)
{
    SeriesStore store;
    for (std::uint32_t id = 1; id <= 3; ++id)
        store.define(named(id, "a"));
    store.append({1, 10, 1});
    store.append({2, 20, 1});
    EXPECT_EQ(store.removeEndedBefore(20), (std::vector<std::uint32_t>{1}));
    EXPECT_FALSE(store.find(1));
    EXPECT_TRUE(store.find(2) && store.find(3));
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

TEST(SeriesStore, RateWithABaseLooksBackThatFarAndNoFurther)
{
    SeriesStore store = storeWith();
    // Scrapes each 400 ms; the counter itself moves once a second, by 10.
    for (int i = 0; i <= 10; ++i)
        store.append({1, i * 2 * kSecond / 5, std::floor(i * 0.4) * 10});
    const auto jumpy = store.rate(1, {0, 10 * kSecond});
    const auto smooth = store.rate(1, {0, 10 * kSecond}, 2 * kSecond);
    EXPECT_EQ(jumpy.size(), 10u);
    ASSERT_EQ(smooth.size(), 6u); // nothing before there are two seconds
    EXPECT_EQ(smooth.front().time, 2 * kSecond);
    for (const Point& point : smooth)
        EXPECT_DOUBLE_EQ(point.value, 10) << point.time;
}

TEST(SeriesStore, RateAtTheWindowsStartLooksBackBeforeIt)
{
    SeriesStore store = storeWith();
    for (int i = 0; i <= 5; ++i)
        store.append({1, i * kSecond, i * 7.0});
    for (const DurationNs base : {DurationNs{0}, kSecond, kSecond / 2, 3 * kSecond / 2}) {
        const auto rate = store.rate(1, {3 * kSecond, 6 * kSecond}, base);
        ASSERT_EQ(rate.size(), 3u) << base;
        EXPECT_EQ(rate.front().time, 3 * kSecond);
        EXPECT_DOUBLE_EQ(rate.front().value, 7);
    }
}

TEST(SeriesStore, RateWithABaseLeavesAGapOfThatLengthAfterARestart)
{
    SeriesStore store = storeWith();
    for (int i = 0; i <= 8; ++i)
        store.append({1, i * kSecond, i < 4 ? 100.0 + i : 2.0 * (i - 4)});
    const auto rate = store.rate(1, {0, 10 * kSecond}, 2 * kSecond);
    std::vector<TimestampNs> times;
    for (const Point& point : rate)
        times.push_back(point.time / kSecond);
    EXPECT_EQ(times, (std::vector<TimestampNs>{2, 3, 6, 7, 8}));
    EXPECT_DOUBLE_EQ(rate.back().value, 2);
}

TEST(SeriesStore, RateOfAnUnknownOrShortSeriesIsNothing)
{
    SeriesStore store = storeWith();
    EXPECT_TRUE(store.rate(1, {0, kSecond}).empty());
    EXPECT_TRUE(store.rate(9, {0, kSecond}).empty());
    store.append({1, 0, 5});
    store.append({1, 0, 6}); // the same moment twice
    EXPECT_TRUE(store.rate(1, {0, kSecond}).empty());
}

TEST(RatioOfRates, DividesWhereBothHaveAPointAndSomethingHappened)
{
    const auto ratio = ratioOfRates({{1, 10}, {2, 20}, {3, 30}}, {{1, 2}, {3, 0}});
    ASSERT_EQ(ratio.size(), 1u);
    EXPECT_EQ(ratio[0].time, 1);
    EXPECT_DOUBLE_EQ(ratio[0].value, 5);
}

TEST(SeriesStore, PointsAreFilledInWhereThereAreNone)
{
    SeriesStore store(5);
    store.define({1, "power", "W", SeriesKind::Gauge, {}, {}});
    for (const TimestampNs time : {300, 310, 500, 510})
        store.append({1, time, 1});
    store.fillIn(1, {{90, 2}, {100, 2}, {200, 2}, {305, 2}, {320, 2}, {400, 2}, {495, 2}, {505, 2}, {600, 2}}, 50);
    std::vector<TimestampNs> times;
    for (const Point& point : store.snapshot(1, {0, 1000}))
        times.push_back(point.time);
    EXPECT_EQ(times, (std::vector<TimestampNs>{300, 310, 400, 500, 510})) << "the oldest give way, and what is near a known point or later is left out";
    store.fillIn(7, {{1, 1}}, 50);
    EXPECT_EQ(store.newest(), 510);
}

TEST(SeriesStore, AnEmptySeriesIsFilledWhole)
{
    SeriesStore store;
    store.define({1, "power", "W", SeriesKind::Gauge, {}, {}});
    store.fillIn(1, {{10, 1}, {20, 2}}, 50);
    EXPECT_EQ(store.snapshot(1, {0, 100}).size(), 2U);
    EXPECT_EQ(store.newest(), 20);
}

/// Ten samples a second for twenty minutes, answered coarsely from ten minutes on.
SeriesStore tenHertz(SeriesKind kind, double (*valueAt)(int))
{
    SeriesStore store(36'000, kSecond);
    SeriesDefinition definition = named(1, "series");
    definition.kind = kind;
    store.define(definition);
    for (int i = 0; i < 12'000; ++i)
        store.append({1, i * kSecond / 10, valueAt(i)});
    return store;
}

TEST(SeriesStore, AShortWindowHasAllPointsAndALongOneTheLastOfEachStep)
{
    const SeriesStore store = tenHertz(SeriesKind::Gauge, [](int i) { return static_cast<double>(i % 10); });
    EXPECT_EQ(store.snapshot(1, {0, 599 * kSecond}).size(), 5'990u);
    const auto points = store.snapshot(1, {0, 600 * kSecond});
    EXPECT_EQ(points.size(), 600u);
    for (const Point& point : points) {
        EXPECT_EQ(point.value, 9) << point.time; // as it was measured
        EXPECT_EQ(point.time % kSecond, 9 * kSecond / 10);
    }
}

TEST(SeriesStore, TheRateOfALongWindowIsThatOfAllPoints)
{
    const SeriesStore store = tenHertz(SeriesKind::Counter, [](int i) { return static_cast<double>(i) * 3; });
    const auto rates = store.rate(1, {0, 1'200 * kSecond}, kSecond);
    EXPECT_NEAR(static_cast<double>(rates.size()), 1'199, 1);
    for (const Point& rate : rates)
        EXPECT_DOUBLE_EQ(rate.value, 30);
}

TEST(SeriesStore, ARestartOfACounterIsSeenInALongWindow)
{
    // It grows beyond what it was within the same second.
    const SeriesStore store =
        tenHertz(SeriesKind::Counter, [](int i) { return i < 5'003 ? i * 0.001 : static_cast<double>(i - 5'003) * 10; });
    for (const Point& rate : store.rate(1, {0, 1'200 * kSecond}, kSecond)) {
        const bool isBefore = rate.time < 5'003 * kSecond / 10;
        EXPECT_NEAR(rate.value, isBefore ? 0.01 : 100, 1e-6) << rate.time;
    }
}

TEST(SeriesStore, ARestartBetweenTwoSecondsIsSeenInALongWindow)
{
    const SeriesStore store =
        tenHertz(SeriesKind::Counter, [](int i) { return i < 5'000 ? i * 0.001 : static_cast<double>(i - 5'000) * 10; });
    for (const Point& rate : store.rate(1, {0, 1'200 * kSecond}, kSecond))
        EXPECT_NEAR(rate.value, rate.time < 500 * kSecond ? 0.01 : 100, 1e-6) << rate.time;
}

TEST(SeriesStore, WhatIsFilledInIsInLongWindowsToo)
{
    SeriesStore store(36'000, kSecond);
    store.define(named(1, "gauge"));
    for (int second = 900; second < 1'000; ++second)
        store.append({1, second * kSecond, 1});
    std::vector<Point> before;
    for (int second = 0; second < 890; ++second)
        before.push_back({second * kSecond, 2});
    store.fillIn(1, before, kSecond);
    EXPECT_EQ(store.snapshot(1, {0, 1'000 * kSecond}).size(), 990u);
}

TEST(SeriesStore, CoarsePointsFallOutWithTheOthers)
{
    SeriesStore store(1'000, kSecond);
    store.define(named(1, "gauge"));
    for (int i = 0; i < 12'000; ++i)
        store.append({1, i * kSecond / 10, 1.0 * i});
    const auto points = store.snapshot(1, {0, 1'200 * kSecond});
    ASSERT_FALSE(points.empty());
    EXPECT_GE(points.front().time, store.snapshot(1, {1'100 * kSecond, 1'200 * kSecond}).front().time);
}

} // namespace
} // namespace gantry::metrics
