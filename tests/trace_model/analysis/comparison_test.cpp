#include "trace_model/analysis/comparison.h"

#include "tests/support/event_script.h"
#include "tests/support/simulated_server.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using test::traceOf;

TEST(Comparison, LeavesTheSideAbsentThatHasNoSuchKernel)
{
    const auto a = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..130\nkernel gpu0/stream7 old 200..210\n");
    const auto b = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..190\nkernel gpu0/stream7 new 200..205\n");
    ASSERT_TRUE(a && b);
    const Comparison result = compare(*a, *b);
    ASSERT_EQ(result.kernels.size(), 3u);
    EXPECT_EQ(result.kernels[0].name, "gemm"); // the largest difference first
    EXPECT_EQ(result.kernels[0].difference(), 60.0);
    EXPECT_EQ(result.kernels[0].ratio(), 3.0);
    EXPECT_EQ(result.kernels[1].name, "old");
    EXPECT_FALSE(result.kernels[1].b);
    EXPECT_FALSE(result.kernels[1].difference());
    EXPECT_EQ(result.kernels[2].name, "new");
    EXPECT_FALSE(result.kernels[2].a);
}

TEST(Comparison, OfATraceWithItselfHasNoDifference)
{
    const auto a = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..130\nrequest 1 model bert:1 0..100 queue 0..40\n");
    ASSERT_TRUE(a);
    const Comparison result = compare(*a, *a);
    for (const auto* rows : {&result.summary, &result.phases, &result.kernels}) {
        for (const ComparisonRow& row : *rows)
            EXPECT_EQ(row.difference().value_or(0.0), 0.0) << row.name;
    }
    EXPECT_FALSE(result.phases.empty());
}

std::vector<std::string> namesOf(const std::vector<ComparisonRow>& rows)
{
    std::vector<std::string> names;
    for (const ComparisonRow& row : rows)
        names.push_back(row.name);
    return names;
}

TEST(Comparison, ComparesThePhasesOfEachModelByItselfWhereThereAreSeveral)
{
    const auto a = traceOf("window 0..1000\nrequest 1 model bert:1 0..100 queue 0..40\nrequest 2 model add_sub:1 0..10 queue 0..4\n");
    const auto b = traceOf("window 0..1000\nrequest 1 model bert:1 0..100 queue 0..80\nrequest 2 model resnet:1 0..50 queue 0..5\n");
    ASSERT_TRUE(a && b);
    const Comparison result = compare(*a, *b);
    // Models of A by time, then those that only B has.
    EXPECT_EQ(namesOf(result.phases),
              (std::vector<std::string>{"bert queue p50", "bert queue p99", "bert outside p50", "bert outside p99", "add_sub queue p50", "add_sub queue p99",
                                        "add_sub outside p50", "add_sub outside p99", "resnet queue p50", "resnet queue p99", "resnet outside p50", "resnet outside p99"}));
    EXPECT_EQ(result.phases[0].ratio(), 2.0);
    EXPECT_EQ(result.phases[2].a, 60.0);
    EXPECT_EQ(result.phases[2].b, 20.0);
    EXPECT_FALSE(result.phases[4].b);
    EXPECT_FALSE(result.phases[8].a);
    EXPECT_FALSE(result.phases[10].a);
}

// The p50 of all models together changed with how often each was asked, beside a verdict about one of them.
TEST(Comparison, ComparesTheLatencyOfEachModelByItselfWhereThereAreSeveral)
{
    const auto a = traceOf("window 0..1000\nrequest 1 model bert:1 0..100\nrequest 2 model add_sub:1 0..10\n");
    const auto b = traceOf("window 0..1000\nrequest 1 model bert:1 0..100\nrequest 2 model add_sub:1 0..10\nrequest 3 model add_sub:1 20..30\n");
    ASSERT_TRUE(a && b);
    const Comparison result = compare(*a, *b);
    EXPECT_EQ(namesOf(result.summary), (std::vector<std::string>{"requests per second", "bert latency p50", "bert latency p99", "add_sub latency p50", "add_sub latency p99", "average batch"}));
    for (std::size_t i = 1; i < 5; ++i)
        EXPECT_EQ(result.summary[i].ratio(), 1.0) << result.summary[i].name;
}

TEST(Comparison, NamesNoModelWhereBothSidesHaveTheSameOne)
{
    const auto a = traceOf("window 0..1000\nrequest 1 model bert:1 0..100 queue 0..40\n");
    ASSERT_TRUE(a);
    EXPECT_EQ(namesOf(compare(*a, *a).phases), (std::vector<std::string>{"queue p50", "queue p99", "outside p50", "outside p99"}));
}

TEST(Comparison, LeavesTheSummaryOfASideWithoutRequestsAbsent)
{
    const auto a = traceOf("window 0..1000000000\nrequest 1 model bert:1 0..100 queue 0..40\n");
    const auto b = traceOf("window 0..1000000000\nkernel gpu0/stream7 gemm 100..130\n");
    ASSERT_TRUE(a && b);
    for (const ComparisonRow& row : compare(*a, *b).summary) {
        EXPECT_EQ(row.a.has_value(), row.name != "average batch") << row.name << ": no execution is known";
        EXPECT_FALSE(row.b) << row.name;
        EXPECT_FALSE(row.ratio()) << row.name;
    }
}

TEST(Comparison, HasNoRatioToNothing)
{
    const ComparisonRow row{"x", 0.0, 5.0, "ns", {}, {}};
    EXPECT_EQ(row.difference(), 5.0);
    EXPECT_FALSE(row.ratio());
}

std::vector<std::string> phasesOf(const trace::Trace& a, const trace::Trace& b)
{
    std::vector<std::string> phases;
    ComparisonOptions options;
    options.progress = [&](double, std::string_view phase) {
        if (phases.empty() || phases.back() != phase)
            phases.emplace_back(phase);
    };
    EXPECT_TRUE(compare(a, b, options));
    return phases;
}

TEST(Comparison, TellsHowFarItIsByPhaseAndNeverGoesBack)
{
    const auto a = test::traceOfServer({.seed = 1}), b = test::traceOfServer({.seed = 2});
    double last = -1;
    ComparisonOptions options;
    options.progress = [&](double fraction, std::string_view phase) {
        EXPECT_GE(fraction, last) << phase;
        EXPECT_LE(fraction, 1) << phase;
        last = fraction;
    };
    EXPECT_TRUE(compare(*a, *b, options));
    EXPECT_EQ(last, 1);
    EXPECT_EQ(phasesOf(*a, *b).size(), 6u);
}

TEST(Comparison, ThatIsStoppedInAnyPhaseEndsThere)
{
    const auto a = test::traceOfServer({.seed = 1}), b = test::traceOfServer({.seed = 2});
    for (const std::string& last : phasesOf(*a, *b)) {
        std::stop_source stop;
        std::string reached;
        ComparisonOptions options;
        options.stop = stop.get_token();
        options.progress = [&](double, std::string_view phase) {
            reached = phase;
            if (phase == last)
                stop.request_stop();
        };
        const Result<Comparison> result = compare(*a, *b, options);
        ASSERT_FALSE(result) << last;
        EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
        const bool isWithinPairs = last == "what is told from chance"; // the check behind all pairs names the next phase
        EXPECT_EQ(reached, isWithinPairs ? "where the latency went" : last);
    }
}

} // namespace
} // namespace gantry::analysis
