#include "trace_model/analysis/comparison_verdict.h"

#include "trace_model/analysis/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace gantry::analysis {
namespace {

/// Adds requests with latencies around `medianNs`, `spread` of it either way.
void addRequests(trace::Trace& result, std::string_view model, int requests, DurationNs medianNs, double spread, unsigned seed)
{
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> factor(1 - spread, 1 + spread);
    for (int i = 0; i < requests; ++i) {
        trace::Request request;
        request.model = result.strings.intern(model);
        request.time = {i * 1'000'000, i * 1'000'000 + static_cast<DurationNs>(static_cast<double>(medianNs) * factor(random))};
        result.time.end = std::max(result.time.end, request.time.end);
        result.requests.push_back(request);
    }
}

ComparisonVerdict compareLatency(const trace::Trace& a, const trace::Trace& b)
{
    return verdictOf(compare(a, b));
}

trace::Trace traceOf(int requests, DurationNs medianNs, double spread, unsigned seed)
{
    trace::Trace result;
    addRequests(result, "bert", requests, medianNs, spread, seed);
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
    const ComparisonVerdict verdict = compareLatency(traceOf(40, 1'000'000, 0.8, 1), traceOf(40, 1'050'000, 0.8, 2));
    EXPECT_EQ(verdict.verdict, Verdict::CannotSay);
    EXPECT_THAT(verdict.reason, testing::StartsWith("no significant change, but a large one could hide"));
    EXPECT_STREQ(name(verdict.verdict), "cannot say");
}

TEST(CompareLatency, TooFewRequestsCannotBeCompared)
{
    const ComparisonVerdict verdict = compareLatency(traceOf(29, 1'000'000, 0.1, 1), traceOf(500, 9'000'000, 0.1, 2));
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

// The median was one of all models together: with more requests of a fast model in B, B was better though nothing had changed.
TEST(CompareLatency, ModelsAreNotMixedAndTheOneOfMostTimeInAIsNamed)
{
    trace::Trace a = traceOf(300, 10'000'000, 0.1, 1), b = traceOf(100, 30'000'000, 0.1, 2);
    addRequests(a, "add_sub", 100, 1'000'000, 0.1, 3);
    addRequests(b, "add_sub", 900, 1'000'000, 0.1, 4);
    const ComparisonVerdict verdict = compareLatency(a, b);
    EXPECT_EQ(verdict.verdict, Verdict::Worse) << verdict.reason;
    EXPECT_THAT(verdict.reason, testing::StartsWith("median latency of bert "));
}

TEST(CompareLatency, TheModelIsOneThatBothHave)
{
    trace::Trace a = traceOf(300, 10'000'000, 0.1, 1), b;
    addRequests(b, "add_sub", 100, 1'000'000, 0.1, 3);
    EXPECT_EQ(compareLatency(a, b).verdict, Verdict::CannotSay);
    EXPECT_EQ(compareLatency(a, b).reason, "A and B have no model in common");
    addRequests(a, "add_sub", 100, 1'000'000, 0.1, 4);
    EXPECT_THAT(compareLatency(a, b).reason, testing::HasSubstr("of add_sub"));
}

// Of two middle values the verdict took the upper one, the summary beside it the lower one.
TEST(CompareLatency, MedianIsTheNearestRankAsInTheSummary)
{
    trace::Trace halves;
    addRequests(halves, "bert", 20, 1'000'000, 0, 1);
    addRequests(halves, "bert", 20, 2'000'000, 0, 1);
    EXPECT_THAT(compareLatency(halves, halves).reason, testing::HasSubstr("1.000 ms in A and 1.000 ms in B"));
}

} // namespace
} // namespace gantry::analysis
