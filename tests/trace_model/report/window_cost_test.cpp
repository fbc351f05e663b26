#include "trace_model/report/window_cost.h"

#include "trace_model/analysis/window_cost_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::report {
namespace {

using testing::HasSubstr;

WindowCost wholeCost()
{
    WindowCost cost;
    cost.before = CostSpan{2'000'000'000, 2000, 9'000'000, 8'000'000, 20'000'000};
    cost.during = CostSpan{2'000'000'000, 1984, 9'100'000, 8'000'000, 20'100'000};
    cost.after = CostSpan{1'900'000'000, 1900, {}, {}, {}};
    cost.ratio = -0.008;
    cost.error = 0.003;
    cost.p50 = CostDifference{20'000, 90'000};
    cost.p99 = CostDifference{100'000, 200'000};
    cost.targetCpu = 1'500'000;
    cost.daemonCpu = 40'000'000;
    cost.recordBytes = 12'345'678;
    return cost;
}

std::vector<std::string> lines(const WindowCost& cost)
{
    std::vector<std::string> texts;
    for (const analysis::CostLine& line : analysis::costLines(cost))
        texts.push_back(line.name + ": " + line.value);
    return texts;
}

TEST(WindowCost, IsTheSameWhenItIsReadBackFromItsRows)
{
    const WindowCost cost = wholeCost();
    EXPECT_EQ(WindowCost::of(cost.rows()), cost);
    WindowCost none;
    none.whyNoRate = "too few requests to say: 3 in the window, 4 beside it";
    none.whyNoLatency = "the server publishes no histogram of its latencies";
    none.whyNoAfter = "the next window began";
    EXPECT_EQ(WindowCost::of(none.rows()), none);
    EXPECT_EQ(WindowCost::of({}), WindowCost{});
}

TEST(WindowCost, RowsThatAreNoNumbersAreAbsent)
{
    auto rows = wholeCost().rows();
    rows["GANTRY_COST_BEFORE_REQUESTS"] = "many";
    rows["GANTRY_COST_P99_NS"] = "";
    const WindowCost read = WindowCost::of(rows);
    EXPECT_FALSE(read.before);
    EXPECT_FALSE(read.p99);
    EXPECT_TRUE(read.during && read.p50);
}

TEST(WindowCostText, SaysInOneSentenceWhatTheWindowCost)
{
    WindowCost cost = wholeCost();
    EXPECT_EQ(analysis::costSentence(cost), "-0.8 % ± 0.3 % req/s, +0.1 ± 0.2 ms p99");
    cost.p99.reset();
    EXPECT_EQ(analysis::costSentence(cost), "-0.8 % ± 0.3 % req/s, +20.0 ± 90.0 µs p50");
    cost.p50.reset();
    cost.error = 0.32;
    EXPECT_EQ(analysis::costSentence(cost), "not clear: req/s vary by ± 32.0 % in any window of this length");
    cost = {};
    EXPECT_EQ(analysis::costSentence(cost), "not measured");
    cost.whyNoRate = "too few requests to say: 3 in the window, 4 beside it";
    EXPECT_EQ(analysis::costSentence(cost), cost.whyNoRate);
}

TEST(WindowCostText, SaysOfEachFigureWhatItIsOrWhyItIsNotThere)
{
    WindowCost cost = wholeCost();
    EXPECT_THAT(lines(cost),
                testing::IsSupersetOf({
                    HasSubstr("before: 1000.0 req/s (2\u2009000 requests in 2.000 s), mean 9.000 ms, p50 8.000 ms, p99 20.000 ms"),
                    HasSubstr("after: 1000.0 req/s"),
                    HasSubstr("CPU in the target: 1.500 ms"),
                }));
    cost.after.reset();
    cost.whyNoAfter = "the next window began";
    cost.p99.reset();
    cost.whyNoLatency = "the server publishes no histogram of its latencies";
    EXPECT_THAT(lines(cost), testing::IsSupersetOf({
                                 HasSubstr("after: not measured: the next window began"),
                                 HasSubstr("p99: not measured: the server publishes no histogram"),
                             }));
}

} // namespace
} // namespace gantry::report
