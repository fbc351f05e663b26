#include "trace_model/metrics/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gantry::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Histogram, AQuantileLiesInItsBucketAsFarAsItsRankDoes)
{
    const HistogramCounts counts{{1, 50}, {2, 90}, {4, 100}, {kInfinity, 100}};
    const auto median = histogramQuantile(counts, 0.5), p95 = histogramQuantile(counts, 0.95);
    ASSERT_TRUE(median && p95);
    EXPECT_DOUBLE_EQ(median->value, 1);
    EXPECT_DOUBLE_EQ(p95->value, 3); // half of the ten between 2 and 4
    EXPECT_EQ(p95->lowerBound, 2);
    EXPECT_EQ(p95->upperBound, 4);
}

TEST(Histogram, AQuantileOfFewValuesScattersMore)
{
    const auto few = histogramQuantile({{1, 10}, {2, 20}, {kInfinity, 20}}, 0.75);
    const auto many = histogramQuantile({{1, 1000}, {2, 2000}, {kInfinity, 2000}}, 0.75);
    ASSERT_TRUE(few && many);
    EXPECT_NEAR(few->standardError / many->standardError, 10, 1e-9); // a hundredth of the values
}

TEST(Histogram, SaysNothingWithoutValuesAndBeyondItsLastBound)
{
    EXPECT_FALSE(histogramQuantile({}, 0.5));
    EXPECT_FALSE(histogramQuantile({{1, 0}, {kInfinity, 0}}, 0.5));
    EXPECT_FALSE(histogramQuantile({{1, 1}, {kInfinity, 100}}, 0.99)) << "longer than the last bucket: not its bound";
    EXPECT_TRUE(histogramQuantile({{1, 99.5}, {kInfinity, 100}}, 0.99));
}

TEST(Histogram, TellsTheBucketsOfAHistogramByTheirNames)
{
    EXPECT_EQ(histogramOfBucket("vllm:e2e_request_latency_seconds_bucket"), "vllm:e2e_request_latency_seconds");
    EXPECT_EQ(histogramOfBucket("vllm:e2e_request_latency_seconds_sum"), "");
    EXPECT_EQ(bucketBound("0.25"), 0.25);
    EXPECT_EQ(bucketBound("+Inf"), kInfinity);
    EXPECT_FALSE(bucketBound("many"));
    EXPECT_FALSE(bucketBound(""));
}

} // namespace
} // namespace gantry::metrics
