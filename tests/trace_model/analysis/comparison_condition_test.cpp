#include "trace_model/analysis/comparison_condition.h"

#include "tests/support/simulated_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using test::ServerSetup;
using test::traceOfServer;

TEST(ComparisonCondition, IsReadAsItIsWritten)
{
    const auto p99 = parseCondition("p99>+5%");
    ASSERT_TRUE(p99);
    EXPECT_EQ(p99->kind, RowKind::Latency);
    EXPECT_EQ(p99->statistic, Statistic::P99);
    EXPECT_TRUE(p99->isShare);
    EXPECT_DOUBLE_EQ(p99->limit, 0.05);
    const auto median = parseCondition("p50>+2ms");
    ASSERT_TRUE(median);
    EXPECT_FALSE(median->isShare);
    EXPECT_DOUBLE_EQ(median->limit, 2e6);
    const auto throughput = parseCondition("throughput<-5%");
    ASSERT_TRUE(throughput);
    EXPECT_EQ(throughput->kind, RowKind::Throughput);
    EXPECT_DOUBLE_EQ(throughput->limit, -0.05);
    EXPECT_TRUE(parseCondition("phase:queue:p95>+1ms"));
    EXPECT_TRUE(parseCondition("batch:mean<-10%"));
}

// Names of kernels have colons, and the signs of templates.
TEST(ComparisonCondition, PatternsMayHoldColonsAndSigns)
{
    const auto condition = parseCondition("kernel:ns::gemm<float>:median>+10%");
    ASSERT_TRUE(condition) << condition.error().text();
    EXPECT_EQ(condition->pattern, "ns::gemm<float>");
    EXPECT_EQ(condition->statistic, Statistic::Median);
}

TEST(ComparisonCondition, ABadOneSaysWhatIsWrongAndWhatIsPossible)
{
    const std::pair<const char*, const char*> kBad[] = {{"p99", "neither > nor <"},
                                                        {"", "neither > nor <"},
                                                        {">+5%", "nothing stands before"},
                                                        {"p98>+5%", "'p98' is no statistic"},
                                                        {"p99>+5", "needs a unit"},
                                                        {"p99>+fast%", "is no limit"},
                                                        {"p99>+nan%", "is no limit"},
                                                        {"p99>-5%", "a change that would be too much"},
                                                        {"throughput<5%", "a change that would be too much"},
                                                        {"kernl:gemm:p50>+1%", "'kernl' is nothing that is compared"},
                                                        {"kernel:(:p50>+1%", "is no regular expression"},
                                                        {"phase:network:p95>+1ms", "no phase is called 'network' (queue, cache"},
                                                        {"gpu:busy:p99>+1%", "has a mean alone"}};
    for (const auto& [text, sentence] : kBad) {
        const auto condition = parseCondition(text);
        ASSERT_FALSE(condition) << text;
        EXPECT_EQ(condition.error().code, ErrorCode::BadInput);
        EXPECT_THAT(condition.error().message, testing::AllOf(testing::HasSubstr(sentence), testing::HasSubstr("throughput<-5%"))) << text;
    }
}

class OnServers : public testing::Test
{
protected:
    static ConditionOutcome outcomeOf(const char* text, const Comparison& comparison)
    {
        const auto condition = parseCondition(text);
        EXPECT_TRUE(condition) << text;
        return evaluate(*condition, comparison).outcome;
    }
    static Comparison compared(const ServerSetup& a, const ServerSetup& b) { return compare(*traceOfServer(a), *traceOfServer(b)); }
};

TEST_F(OnServers, HoldsForAChangeBeyondTheLimitAndNotForOneWithin)
{
    ServerSetup a, b;
    b.seed = 2;
    b.slower["attention"] = 1.4;
    const Comparison comparison = compared(a, b);
    EXPECT_EQ(outcomeOf("kernel:att.*:median>+10%", comparison), ConditionOutcome::Holds);
    EXPECT_EQ(outcomeOf("kernel:att.*:median>+100%", comparison), ConditionOutcome::DoesNotHold);
    EXPECT_EQ(outcomeOf("kernel:att.*:mean>+5us", comparison), ConditionOutcome::Holds);
    EXPECT_EQ(outcomeOf("kernel:gelu:median>+10%", comparison), ConditionOutcome::DoesNotHold);
    EXPECT_EQ(outcomeOf("phase:compute_infer:mean>+1%", comparison), ConditionOutcome::Holds);
}

TEST_F(OnServers, WhatChanceExplainsDoesNotHoldAndSaysSo)
{
    ServerSetup a, b;
    a.requests = b.requests = 120;
    b.seed = 2;
    const Comparison comparison = compared(a, b);
    const auto condition = parseCondition("mean>+0.000001%");
    const auto other = parseCondition("throughput<-0.000001%");
    ASSERT_TRUE(condition && other);
    for (const ConditionResult& result : {evaluate(*condition, comparison), evaluate(*other, comparison)})
        EXPECT_EQ(result.outcome, ConditionOutcome::DoesNotHold) << result.reason;
}

TEST_F(OnServers, CannotSayOfWhatOneSideLacksOrHasTooFewOf)
{
    ServerSetup a, b;
    b.isPageable = true;
    const Comparison comparison = compared(a, b);
    EXPECT_EQ(outcomeOf("memcpy:Pageable:median>+10%", comparison), ConditionOutcome::CannotSay);
    EXPECT_EQ(outcomeOf("kernel:no_such:median>+10%", comparison), ConditionOutcome::CannotSay);
    a.requests = 20;
    EXPECT_EQ(outcomeOf("p99>+5%", compared(a, b)), ConditionOutcome::CannotSay);
}

} // namespace
} // namespace gantry::analysis
