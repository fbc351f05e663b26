#include "remote_server/load/server_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::load {
namespace {

using testing::HasSubstr;
using testing::Optional;

/// Counters after `requests` requests of 100 ns in the queue and 200 ns of inference each.
StatisticsSnapshot after(std::uint64_t requests)
{
    StatisticsSnapshot snapshot;
    auto* stats = snapshot.models["m"].mutable_inference_stats();
    snapshot.models["m"].set_execution_count(requests / 2);
    const auto set = [&](inference::StatisticDuration* duration, std::uint64_t ns) {
        duration->set_count(requests);
        duration->set_ns(requests * ns);
    };
    set(stats->mutable_success(), 320);
    set(stats->mutable_queue(), 100);
    set(stats->mutable_compute_infer(), 200);
    return snapshot;
}

LoadFigures figuresOf(std::uint64_t ok, DurationNs mean)
{
    LoadFigures figures;
    figures.ok = ok;
    figures.mean = mean;
    figures.sendMean = 10;
    figures.receiveMean = 20;
    return figures;
}

TEST(ServerStatistics, PhasesAreMeansOfWhatTheCountersGrewBy)
{
    LoadFigures figures = figuresOf(50, 1000);
    addServerPhases(figures, after(100), after(150), {"m"}, 1);
    ASSERT_TRUE(figures.server);
    EXPECT_EQ(figures.server->requests, 50u);
    EXPECT_EQ(figures.server->executions, 25u);
    EXPECT_EQ(figures.server->queue, 100);
    EXPECT_EQ(figures.server->computeInfer, 200);
    EXPECT_FALSE(figures.server->cacheHit) << "no cache was asked";
    EXPECT_THAT(figures.remainder, Optional(1000 - 10 - 20 - 300));
}

TEST(ServerStatistics, TheRemainderIsNeverNegative)
{
    LoadFigures figures = figuresOf(50, 250);
    addServerPhases(figures, after(100), after(150), {"m"}, 1);
    EXPECT_FALSE(figures.remainder);
    EXPECT_THAT(figures.whyNoRemainder, HasSubstr("longer windows"));
}

TEST(ServerStatistics, WithRequestsOfOthersTheRemainderCannotBeTold)
{
    LoadFigures figures = figuresOf(50, 1000);
    addServerPhases(figures, after(100), after(250), {"m"}, 4);
    ASSERT_TRUE(figures.server);
    EXPECT_FALSE(figures.remainder);
    EXPECT_THAT(figures.whyNoRemainder, HasSubstr("answered 150 requests"));
}

TEST(ServerStatistics, AModelThatWasLoadedAnewHasNoPhases)
{
    LoadFigures figures = figuresOf(50, 1000);
    addServerPhases(figures, after(100), after(20), {"m"}, 1);
    EXPECT_FALSE(figures.server);
    EXPECT_THAT(figures.whyNoServer, HasSubstr("loaded anew"));
    EXPECT_EQ(figures.whyNoRemainder, figures.whyNoServer);
}

TEST(ServerStatistics, AServerThatCountsNothingHasNoPhases)
{
    LoadFigures figures = figuresOf(50, 1000);
    addServerPhases(figures, after(100), after(100), {"m"}, 1);
    EXPECT_FALSE(figures.server);
    EXPECT_THAT(figures.whyNoServer, HasSubstr("no successful request"));
}

} // namespace
} // namespace gantry::load
