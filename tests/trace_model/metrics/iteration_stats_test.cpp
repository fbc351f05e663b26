#include "trace_model/metrics/iteration_stats.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace gantry::metrics {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;

// The keys of TensorRT-LLM's IterationStats as trtllm-serve writes them.
const char* const kTwo = R"([
 {"timestamp": "08-23-2026 01:02:03.250000", "iter": 7, "iterLatencyMS": 12.5, "numActiveRequests": 3, "numQueuedRequests": 1,
  "gpuMemUsage": 1000, "kvCacheStats": {"maxNumBlocks": 100, "usedNumBlocks": 40, "cacheHitRate": 0.5}, "staticBatchingStats": null,
  "inflightBatchingStats": {"numScheduledRequests": 3, "numContextRequests": 1, "numGenRequests": 2}, "specDecodingStats": null},
 {"timestamp": "08-23-2026 01:02:03.300000", "iter": 8, "iterLatencyMS": 11}])";

double valueOf(const IterationStats& stats, const std::string& name)
{
    const auto found = std::find_if(stats.values.begin(), stats.values.end(), [&](const auto& one) { return one.first == name; });
    return found == stats.values.end() ? -1 : found->second;
}

TEST(IterationStats, EachEntryIsAnIterationWithItsTimeAndNumbers)
{
    ASSERT_TRUE(isIterationStats(kTwo));
    const auto list = readIterationStats(kTwo);
    ASSERT_EQ(list.iterations.size(), 2U);
    EXPECT_EQ(list.malformed, 0U);
    const IterationStats& first = list.iterations[0];
    EXPECT_EQ(valueOf(first, "trtllm.iterLatencyMS"), 12.5);
    EXPECT_EQ(valueOf(first, "trtllm.kvCacheStats.usedNumBlocks"), 40);
    EXPECT_EQ(valueOf(first, "trtllm.inflightBatchingStats.numGenRequests"), 2);
    EXPECT_EQ(first.values.size(), 11U) << "what is null is absent";
    ASSERT_TRUE(first.localNs && list.iterations[1].localNs);
    EXPECT_EQ(*list.iterations[1].localNs - *first.localNs, 50'000'000);
    EXPECT_EQ(*first.localNs, 1'787'446'923'250'000'000);
}

TEST(IterationStats, ATextOfPrometheusAndAPageAreNone)
{
    EXPECT_FALSE(isIterationStats("# HELP a b\na 1\n"));
    EXPECT_FALSE(isIterationStats("<html>"));
    EXPECT_FALSE(isIterationStats(" \n"));
    EXPECT_TRUE(isIterationStats("\n []"));
}

TEST(IterationStats, WhatIsNoIterationIsCounted)
{
    EXPECT_EQ(readIterationStats("[").malformed, 1U);
    EXPECT_EQ(readIterationStats("{}").malformed, 1U);
    EXPECT_TRUE(readIterationStats("[]").iterations.empty());
    EXPECT_EQ(readIterationStats("[]").malformed, 0U) << "nothing has happened since it was read";
    const auto mixed = readIterationStats(R"([1, {}, {"a": "b"}, {"iter": 1}, null])");
    EXPECT_EQ(mixed.iterations.size(), 1U);
    EXPECT_EQ(mixed.malformed, 4U);
}

TEST(IterationStats, ATimeThatIsNoneLeavesTheIterationWithoutOne)
{
    for (const char* time : {"", "08-23-2026", "13-01-2026 00:00:00.0", "02-30-2026 00:00:00", "2026-08-23 01:02:03", "08-23-2026 25:00:00",
                             "08-23-2026 01:02:03.x", "08-23-2026 01:02:03Z"}) {
        const auto list = readIterationStats(R"([{"iter": 1, "timestamp": ")" + std::string(time) + R"("}])");
        ASSERT_EQ(list.iterations.size(), 1U);
        EXPECT_FALSE(list.iterations[0].localNs) << time;
    }
}

TEST(IterationStats, TheTimeOfDayIsThatOfUtcOrOfThisMachineWhicheverCanBe)
{
    constexpr std::int64_t kNow = 1'787'446'923 * kSecond;
    EXPECT_EQ(iterationClock(kNow - kSecond, kNow, 2 * kHour), 0);
    EXPECT_EQ(iterationClock(kNow + 2 * kHour - kSecond, kNow, 2 * kHour), -2 * kHour);
    EXPECT_EQ(iterationClock(kNow - 5 * kHour - kSecond, kNow, -5 * kHour), 5 * kHour);
    EXPECT_FALSE(iterationClock(kNow + kHour, kNow, 2 * kHour)) << "another time zone, or another clock";
    EXPECT_FALSE(iterationClock(kNow - 3 * kHour, kNow, 0));
}

TEST(IterationStats, NestingWithoutEndAndThousandsOfKeysAreBounded)
{
    std::string deep = "[";
    for (int i = 0; i < 50; ++i)
        deep += R"({"a":)";
    deep += "1" + std::string(50, '}') + "]";
    EXPECT_EQ(readIterationStats(deep).malformed, 1U);
    std::string wide = R"([{"k":1)";
    for (int i = 0; i < 5000; ++i)
        wide += ",\"k" + std::to_string(i) + "\":1";
    const auto list = readIterationStats(wide + "}]");
    ASSERT_EQ(list.iterations.size(), 1U);
    EXPECT_LE(list.iterations[0].values.size(), 128U);
}

TEST(IterationStats, UnitsFollowTheNames)
{
    EXPECT_EQ(unitOfIterationStat("trtllm.iterLatencyMS"), "ms");
    EXPECT_EQ(unitOfIterationStat("trtllm.gpuMemUsage"), "bytes");
    EXPECT_EQ(unitOfIterationStat("trtllm.kvCacheStats.cacheHitRate"), "ratio");
    EXPECT_EQ(unitOfIterationStat("trtllm.numActiveRequests"), "count");
}

} // namespace
} // namespace gantry::metrics
