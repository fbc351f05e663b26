#include "remote_server/load/perf_analyzer_files.h"

#include "remote_server/load/load_tally.h"
#include "tests/support/collecting_sink.h"
#include "trace_model/import/perf_analyzer_profile.h"
#include "trace_model/import/perf_analyzer_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::load {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::int64_t kStart = 1'790'000'000'000'000'000;

LoadResult level(double concurrency)
{
    LoadResult result;
    result.level = {false, concurrency};
    result.sent = 3;
    result.ok = 2;
    result.inferencesPerSecond = 100.5;
    result.mean = 5'000'000;
    result.p50 = 4'000'000;
    result.p99 = 9'000'000;
    result.sendMean = 7'000;
    result.server.emplace();
    result.server->queue = 30'000;
    result.remainder = 11'000;
    result.requests = {
        {kStart, kStart + 4'000'000, 0, true}, {kStart + 1'000'000, kStart + 7'000'000, 0, true}, {kStart + 2'000'000, 0, 0, false}};
    result.boundariesUtcNs = {kStart, kStart + 10'000'000};
    return result;
}

TEST(PerfAnalyzerFiles, TheTableIsReadBackByTheImporter)
{
    LoadResult untold = level(1);
    untold.server.reset();
    untold.remainder.reset();
    test::CollectingSink sink;
    ASSERT_TRUE(importing::parsePerfAnalyzerCsv(csvText({untold, level(2)}), sink));
    ASSERT_THAT(sink.summaries, SizeIs(1));
    const importing::SummaryTable& table = sink.summaries.front();
    ASSERT_THAT(table.rows, SizeIs(2));
    EXPECT_THAT(table.columns,
                ElementsAre("Concurrency", "Inferences/Second", "Client Send (µs)", "Network+Server Send/Recv (µs)", "Server Queue (µs)",
                            "Server Compute Input (µs)", "Server Compute Infer (µs)", "Server Compute Output (µs)", "Client Recv (µs)",
                            "p50 latency (µs)", "p90 latency (µs)", "p95 latency (µs)", "p99 latency (µs)", "Avg latency (µs)"));
    EXPECT_THAT(table.rows[0], ElementsAre("1", "100.5", "7", "", "", "", "", "", "0", "4000", "0", "0", "9000", "5000"))
        << "what cannot be told is empty and not 0";
    EXPECT_THAT(table.rows[1], ElementsAre("2", "100.5", "7", "11", "30", "0", "0", "0", "0", "4000", "0", "0", "9000", "5000"));
}

TEST(PerfAnalyzerFiles, ColumnsOfTheCacheAreThereWhereOneWasAsked)
{
    LoadResult cached = level(1);
    cached.server->cacheHit = 2'000;
    cached.server->cacheMiss = 3'000;
    EXPECT_THAT(csvText({cached}), HasSubstr("Server Cache Hit,Server Cache Miss"));
    EXPECT_THAT(csvText({level(1)}), testing::Not(HasSubstr("Cache")));
    LoadResult rate = level(150);
    rate.level.isRate = true;
    EXPECT_THAT(csvText({rate}), testing::StartsWith("Request Rate,Inferences/Second,"));
}

TEST(PerfAnalyzerFiles, RequestsAreReadBackByTheImporter)
{
    test::CollectingSink sink;
    const auto done =
        importing::parsePerfAnalyzerProfile(profileText({level(4)}, {{"bert \"x\""}}, "127.0.0.1:8001", "gantryctl 1"), sink, {});
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_THAT(sink.requests, SizeIs(3));
    EXPECT_EQ(sink.requests[0].start, 0);
    EXPECT_EQ(sink.requests[0].end, 4'000'000);
    EXPECT_EQ(sink.requests[1].start, 1'000'000);
    EXPECT_EQ(sink.requests[1].end, 7'000'000);
    EXPECT_FALSE(sink.requests[2].end) << "it failed";
    EXPECT_EQ(sink.meta().targetName, "bert \"x\"");
    EXPECT_EQ(sink.meta().producer, "perf_analyzer gantryctl 1");
    EXPECT_EQ(sink.meta().sessionUtcNs, kStart);
    EXPECT_THAT(sink.meta().warnings, Contains("1 request without a response."));
    EXPECT_TRUE(sink.meta().complete);
}

TEST(LoadTally, WindowsAgreeWithinTheRatio)
{
    EXPECT_TRUE(areWithin({100, 109, 104}, 0.1));
    EXPECT_FALSE(areWithin({100, 111, 104}, 0.1));
    EXPECT_FALSE(areWithin({0, 0, 0}, 0.1)) << "three windows without a request agree about nothing";
    EXPECT_FALSE(areWithin({}, 0.1));
}

} // namespace
} // namespace gantry::load
