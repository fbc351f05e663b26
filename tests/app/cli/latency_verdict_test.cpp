#include "app/cli/latency_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace gantry::cli {
namespace {

/// A trace of requests with latencies around `medianNs`, `spread` of it either way.
trace::Trace traceOf(int requests, DurationNs medianNs, double spread, unsigned seed)
{
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> factor(1 - spread, 1 + spread);
    trace::Trace result;
    for (int i = 0; i < requests; ++i) {
        trace::Request request;
        request.time = {i * 1'000'000, i * 1'000'000 + static_cast<DurationNs>(static_cast<double>(medianNs) * factor(random))};
        result.requests.push_back(request);
    }
    return result;
}

TEST(CompareLatency, ClearDifferencesAreBetterOrWorse)
{
    const trace::Trace slow = traceOf(500, 2'000'000, 0.3, 1), fast = traceOf(500, 1'000'000, 0.3, 2);
    EXPECT_EQ(compareLatency(slow, fast).verdict, Verdict::Better);
    EXPECT_EQ(compareLatency(fast, slow).verdict, Verdict::Worse);
    EXPECT_THAT(compareLatency(fast, slow).reason, testing::HasSubstr("median latency"));
}

TEST(CompareLatency, ATraceIsTheSameAsItself)
{
    const trace::Trace one = traceOf(500, 1'000'000, 0.05, 1);
    EXPECT_EQ(compareLatency(one, one).verdict, Verdict::Same);
}

TEST(CompareLatency, WideSpreadAndSmallDifferenceCannotBeTold)
{
    EXPECT_EQ(compareLatency(traceOf(40, 1'000'000, 0.8, 1), traceOf(40, 1'050'000, 0.8, 2)).verdict, Verdict::CannotSay);
}

TEST(CompareLatency, TooFewRequestsCannotBeCompared)
{
    const LatencyVerdict verdict = compareLatency(traceOf(29, 1'000'000, 0.1, 1), traceOf(500, 9'000'000, 0.1, 2));
    EXPECT_EQ(verdict.verdict, Verdict::CannotSay);
    EXPECT_THAT(verdict.reason, testing::HasSubstr("29 complete requests"));
    EXPECT_EQ(compareLatency({}, {}).verdict, Verdict::CannotSay);
}

TEST(CompareLatency, CutAndFailedRequestsDoNotCount)
{
    trace::Trace cut = traceOf(100, 1'000'000, 0.1, 1);
    for (trace::Request& request : cut.requests)
        request.cutByWindow = true;
    EXPECT_EQ(compareLatency(cut, traceOf(100, 1'000'000, 0.1, 1)).verdict, Verdict::CannotSay);
}

} // namespace
} // namespace gantry::cli
