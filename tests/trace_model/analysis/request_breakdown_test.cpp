#include "trace_model/analysis/request_breakdown.h"

#include "tests/support/event_script.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

TEST(Distribution, UsesNearestRank)
{
    const Distribution d = distributionOf({40, 10, 30, 20});
    EXPECT_EQ(d.count, 4u);
    EXPECT_EQ(d.min, 10);
    EXPECT_EQ(d.p50, 20);
    EXPECT_EQ(d.p99, 40);
    EXPECT_EQ(d.total, 100);
    EXPECT_DOUBLE_EQ(d.mean(), 25.0);
    EXPECT_EQ(distributionOf({}).count, 0u);
}

class Breakdown : public testing::Test
{
protected:
    void SetUp() override
    {
        trace = test::traceOf(
            "window 0..1000000000\n"
            "execution 3 thread 12 model bert:1 instance bert_0 80..150\n"
            "request 1 model bert:1 0..100 queue 0..40 batch 3\n"
            "request 2 model bert:1 0..300 queue 0..80 batch 3\n"
            "request 3 model add_sub:1 500..520 queue 500..505\n"
            "request 4 model bert:1 ..90 queue 10..20\n"
            "request 5 model bert:1 600..\n"
            "request 6 model bert:1 700..710 failed\n");
    }

    trace::RequestIndex request(std::uint64_t id) const
    {
        for (std::uint32_t i = 0; i < trace->requests.size(); ++i) {
            if (trace->requests[i].id == id)
                return trace::RequestIndex(i);
        }
        return {};
    }

    std::shared_ptr<const trace::Trace> trace;
};

TEST_F(Breakdown, RanksCompleteRequestsBySlowness)
{
    EXPECT_EQ(slowestRequests(*trace), (std::vector<trace::RequestIndex>{request(2), request(1), request(3)}));
}

TEST_F(Breakdown, SaysHowMuchOfALatencyLiesOutsideThePhases)
{
    const Distribution outside = requestBreakdown(*trace, {}, "bert").outside;
    EXPECT_EQ(outside.count, 2u);
    EXPECT_EQ(outside.min, 60);
    EXPECT_EQ(outside.max, 220);
}

TEST(Request, PhasesThatOverlapOrReachBeyondItLeaveNothingTwice)
{
    trace::Request request;
    request.time = {100, 200};
    EXPECT_EQ(request.outsidePhases(), (std::vector<TimeRange>{{100, 200}}));
    request.phases = {TimeRange{90, 120}, std::nullopt, TimeRange{130, 150}, TimeRange{140, 145}, TimeRange{160, 300}};
    EXPECT_EQ(request.outsidePhases(), (std::vector<TimeRange>{{120, 130}, {150, 160}}));
}

TEST_F(Breakdown, CountsCompleteCutAndFailedRequestsApart)
{
    const RequestBreakdown all = requestBreakdown(*trace);
    EXPECT_EQ(all.requests, 3u);
    EXPECT_EQ(all.cutByWindow, 2u);
    EXPECT_EQ(all.failed, 1u);
    EXPECT_EQ(all.executions, 1u);
    EXPECT_DOUBLE_EQ(all.averageBatch.value(), 2.0);
    EXPECT_DOUBLE_EQ(all.requestsPerSecond, 3.0);
    EXPECT_EQ(all.latency.max, 300);
    EXPECT_EQ(all.phases[static_cast<std::size_t>(records::RequestPhase::Queue)].count, 3u);
    EXPECT_EQ(all.phases[static_cast<std::size_t>(records::RequestPhase::Cache)].count, 0u);
}

TEST_F(Breakdown, TakesOneModelAlone)
{
    EXPECT_EQ(requestBreakdown(*trace, {}, "add_sub").requests, 1u);
    EXPECT_EQ(requestBreakdown(*trace, {}, "no_such_model").requests, 0u);
}

TEST_F(Breakdown, ListsModelsByTheTimeOfTheirRequests)
{
    EXPECT_EQ(modelsByTime(*trace), (std::vector<std::string>{"bert", "add_sub"}));
    EXPECT_TRUE(modelsByTime(trace::Trace()).empty());
}

TEST_F(Breakdown, ClipsARequestCutByTheWindowToIt)
{
    const trace::Request& cut = trace->requests[request(5).value];
    EXPECT_TRUE(cut.cutByWindow);
    EXPECT_EQ(cut.time, (TimeRange{600, 1'000'000'000}));
}

TEST_F(Breakdown, RanksARequestAmongItsPeers)
{
    EXPECT_EQ(phasePercentile(*trace, request(2), records::RequestPhase::Queue), 1.0);
    EXPECT_EQ(phasePercentile(*trace, request(1), records::RequestPhase::Queue), 0.5);
    EXPECT_FALSE(phasePercentile(*trace, request(1), records::RequestPhase::Cache));
}

} // namespace
} // namespace gantry::analysis
