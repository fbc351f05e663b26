#include "trace_model/analysis/row_statistics.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace gantry::analysis {
namespace {

constexpr std::size_t kBlocks = 32;

BlockedValues valuesOf(std::size_t count, double scale, unsigned seed, double tail = 0)
{
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> value(0, 0.3);
    BlockedValues values;
    for (std::size_t i = 0; i < count; ++i)
        values.add(scale * value(random) * (i % 25 == 7 ? 1 + tail : 1), i * kBlocks / count);
    return values;
}

TEST(RowStatistics, TellsAChangeOfTheTailFromOneOfTheMedian)
{
    const ResamplingPlan plan(kBlocks, kBlocks);
    const RowStatistics row = compareValues(valuesOf(4000, 100, 1), valuesOf(4000, 100, 2, 3), plan); // each 25th takes four times as long
    ASSERT_TRUE(row[Statistic::Median] && row[Statistic::P99]);
    EXPECT_GT(row[Statistic::Median]->pValue, 0.01);
    EXPECT_LT(row[Statistic::P99]->pValue, 0.001);
    EXPECT_GT(row[Statistic::P99]->low, 0);
}

TEST(RowStatistics, IntervalsHoldTheTrueDifferenceNineteenTimesInTwenty)
{
    const ResamplingPlan plan(kBlocks, kBlocks);
    const double p95 = std::exp(0.3 * 1.6449); // of the log-normal distribution
    int mean = 0, median = 0, tail = 0;
    for (unsigned i = 0; i < 200; ++i) {
        const RowStatistics row = compareValues(valuesOf(800, 100, 2 * i), valuesOf(800, 105, 2 * i + 1), plan);
        const auto holds = [&](Statistic s, double truth) { return row[s]->low <= truth && truth <= row[s]->high; };
        mean += holds(Statistic::Mean, 5 * std::exp(0.045));
        median += holds(Statistic::Median, 5);
        tail += holds(Statistic::P95, 5 * p95);
    }
    EXPECT_GE(mean, 182);
    EXPECT_GE(median, 182);
    EXPECT_GE(tail, 182);
}

TEST(RowStatistics, PercentilesOfTooFewValuesAreNotCompared)
{
    const ResamplingPlan plan(kBlocks, kBlocks);
    const RowStatistics row = compareValues(valuesOf(100, 100, 1), valuesOf(5000, 100, 2), plan);
    EXPECT_TRUE(row[Statistic::Median]);
    EXPECT_TRUE(row[Statistic::P95]);
    EXPECT_FALSE(row[Statistic::P99]); // one value of a hundred lies beyond it
    EXPECT_EQ(row.a.n, 100u);
}

TEST(RowStatistics, AnEmptySideHasNoChangeAndNoNumberThatIsNone)
{
    const ResamplingPlan plan(kBlocks, kBlocks);
    const RowStatistics row = compareValues({}, valuesOf(500, 100, 1), plan);
    EXPECT_EQ(row.a.n, 0u);
    for (const auto& change : row.changes)
        EXPECT_FALSE(change);
    EXPECT_FALSE((StatisticChange{0, 5, 0, 0, 1}.ratio()));
}

TEST(RowStatistics, ShapesAreSortedAndReachFromOneEndToTheOther)
{
    const ResamplingPlan plan(kBlocks, kBlocks);
    const RowStatistics row = compareValues(valuesOf(5000, 100, 1), valuesOf(10, 100, 2), plan);
    ASSERT_EQ(row.a.shape.size(), kShapePoints);
    ASSERT_EQ(row.b.shape.size(), 10u);
    EXPECT_TRUE(std::is_sorted(row.a.shape.begin(), row.a.shape.end()));
    EXPECT_NEAR(row.a.shape[kShapePoints / 2], row.a[Statistic::Median], 2);
}

} // namespace
} // namespace gantry::analysis
