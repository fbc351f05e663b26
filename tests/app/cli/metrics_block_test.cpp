#include "app/cli/metrics_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr DurationNs kSecond = 1'000'000'000;

proto::MetricsBatch firstBatch()
{
    proto::MetricsBatch batch;
    batch.definitions = {{1, "host_cpu_ratio", "ratio", metrics::SeriesKind::Gauge, {}, {}},
                         {2, "nv_inference_request_success", "count", metrics::SeriesKind::Counter, {{"model", "bert"}}, {}}};
    batch.samples = {{1, 100 * kSecond, 0.25}, {2, 100 * kSecond, 5e7}};
    batch.nodeMonoNs = 100 * kSecond;
    batch.nodeUtcNs = 1'700'000'000 * kSecond;
    return batch;
}

TEST(MetricsBlock, IsEmptyBeforeTheFirstSample)
{
    MetricsBlock block;
    EXPECT_EQ(block.text(), "");
    block.add({});
    EXPECT_EQ(block.text(), "");
}

TEST(MetricsBlock, FirstSamplesAreShownWithTheirTimeAndNoRateYet)
{
    MetricsBlock block;
    block.add(firstBatch());
    EXPECT_THAT(block.text(), AllOf(ContainsRegex("^2023-11-1[45] [0-9][0-9]:[0-9][0-9]:20\n"), ContainsRegex("host CPU +utilisation +25.0 %\n"), Not(HasSubstr("bert"))));
}

// It showed "nv_inference_request_success model=bert  5e+07 count": what a counter has come to says nothing about now.
TEST(MetricsBlock, CountersAreRates)
{
    MetricsBlock block;
    block.add(firstBatch());
    proto::MetricsBatch next;
    next.samples = {{2, 101 * kSecond, 5e7 + 120}};
    block.add(next);
    EXPECT_THAT(block.text(), AllOf(ContainsRegex("bert +requests +120.0 req/s\n"), Not(HasSubstr("e+07"))));
}

TEST(MetricsBlock, WhatHasNoSamplesAnyMoreHasNoLine)
{
    MetricsBlock block;
    block.add(firstBatch());
    proto::MetricsBatch later;
    later.samples = {{2, 130 * kSecond, 5e7 + 120}};
    block.add(later);
    EXPECT_THAT(block.text(), Not(HasSubstr("host CPU")));
}

} // namespace
} // namespace gantry::cli
