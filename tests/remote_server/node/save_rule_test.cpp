#include "remote_server/node/save_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace gantry::node {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kRound = kSecond / 5;

/// A recorder on a server with one gauge, measured five times a second by a clock that the test moves.
class SaveRuleTest : public testing::Test
{
protected:
    SaveRuleTest()
    {
        const metrics::SeriesDefinition definitions[] = {
            {1, "depth", "count", metrics::SeriesKind::Gauge, {{"target", "t1"}}, {}},
            {2, "host_cpu_ratio", "ratio", metrics::SeriesKind::Gauge, {}, {}},
            {3, "depth", "count", metrics::SeriesKind::Gauge, {{"target", "t2"}}, {}},
        };
        history.onDefinitions(definitions);
        request.targetId = "t1";
        request.ringNs = 30 * kSecond;
        request.saveWhen.condition = "depth > 10";
        request.saveWhen.forNs = 2 * kSecond;
    }

    void arm()
    {
        auto created = SaveRule::create(request, history);
        ASSERT_TRUE(created) << created.error().text();
        rule = std::move(*created);
    }
    std::string whyNot()
    {
        const auto created = SaveRule::create(request, history);
        return created ? "" : created.error().message;
    }

    /// So long the gauge has this value (nothing: it is not measured); the saves in that time.
    std::vector<SaveRule::Save> pass(std::int64_t length, std::optional<double> depth)
    {
        std::vector<SaveRule::Save> saves;
        for (const std::int64_t end = now + length; now < end;) {
            now += kRound;
            std::vector<metrics::Sample> samples{{2, now, 0.5}, {3, now, 99}};
            if (depth)
                samples.push_back({1, now, *depth});
            history.onSamples(samples);
            if (auto save = rule->tend(history, now))
                saves.push_back(std::move(*save));
        }
        return saves;
    }
    proto::CaptureStatus status()
    {
        proto::CaptureStatus result;
        rule->describe(result);
        return result;
    }

    SampleHistory history;
    proto::CaptureRequest request;
    std::unique_ptr<SaveRule> rule;
    std::int64_t now = 1000 * kSecond;
};

TEST_F(SaveRuleTest, SavesTheSecondsBeforeAndAfterAConditionThatHeldForLongEnough)
{
    arm();
    EXPECT_TRUE(pass(10 * kSecond, 3).empty());
    const std::int64_t became = now + kRound;
    EXPECT_TRUE(pass(2 * kSecond + 4 * kRound, 20).empty()) << "the next 2 s are to be in it";
    EXPECT_THAT(status().saveState, HasSubstr("true, saves in"));
    const auto saves = pass(2 * kSecond, 20);
    ASSERT_EQ(saves.size(), 1u);
    EXPECT_EQ(saves[0].lastNs, 7 * kSecond);
    EXPECT_EQ(saves[0].mark.monotonicNs, became);
    EXPECT_EQ(saves[0].mark.text, "depth > 10 began");
    EXPECT_EQ(saves[0].because, "depth > 10 held for 2.000 s: 20");
    EXPECT_EQ(status().ruleSaves, 1u);
}

TEST_F(SaveRuleTest, WhatHeldForLessIsNotSaved)
{
    arm();
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(pass(kSecond + 2 * kRound, 20).empty());
        EXPECT_TRUE(pass(kRound, 3).empty());
    }
    EXPECT_TRUE(pass(5 * kSecond, 3).empty());
    EXPECT_EQ(status().ruleSaves, 0u);
}

TEST_F(SaveRuleTest, DoesNotSaveAgainBeforeTheConditionWasFalseAndAWhileHasGoneBy)
{
    arm();
    EXPECT_EQ(pass(120 * kSecond, 20).size(), 1u) << "once, however long it holds";
    EXPECT_THAT(status().saveState, HasSubstr("waits until it is false again"));
    EXPECT_TRUE(pass(kSecond, 3).empty());
    EXPECT_EQ(pass(10 * kSecond, 20).size(), 1u);
    EXPECT_TRUE(pass(kSecond, 3).empty());
    EXPECT_TRUE(pass(10 * kSecond, 20).empty()) << "30 s have not gone by";
    EXPECT_THAT(status().saveState, HasSubstr("saved, waits "));
    EXPECT_EQ(pass(30 * kSecond, 20).size(), 1u);
}

TEST_F(SaveRuleTest, SavesNoMoreThanItMayAndSaysSo)
{
    request.saveWhen.atMost = 2;
    request.saveWhen.coolDownNs = 0;
    arm();
    std::size_t saves = 0;
    for (int i = 0; i < 5; ++i)
        saves += pass(10 * kSecond, 20).size() + pass(kSecond, 3).size();
    EXPECT_EQ(saves, 2u);
    EXPECT_EQ(status().saveState, "it has saved 2 reports, as many as it may: it saves no more by itself");
}

TEST_F(SaveRuleTest, AMetricThatIsNotMeasuredAnyMoreIsNotTrue)
{
    arm();
    EXPECT_TRUE(pass(kSecond, 20).empty());
    EXPECT_TRUE(pass(20 * kSecond, {}).empty()) << "its last value was true";
    EXPECT_THAT(status().saveState, HasSubstr("watching: not measured"));
}

TEST_F(SaveRuleTest, AConditionWithoutATimeSavesAtOnce)
{
    request.saveWhen.forNs = 0;
    request.saveWhen.nextNs = 0;
    arm();
    EXPECT_EQ(pass(kRound, 20).size(), 1u);
}

TEST_F(SaveRuleTest, IsRefusedWhereItCannotDoWhatItShould)
{
    request.saveWhen.condition = "dept > 10";
    EXPECT_THAT(whyNot(), HasSubstr("there are depth, host_cpu_ratio"));
    request.saveWhen.condition = "depth > 10";
    request.saveWhen.lastNs = kSecond;
    EXPECT_THAT(whyNot(), HasSubstr("do not reach back"));
    request.saveWhen.lastNs = 29 * kSecond;
    EXPECT_THAT(whyNot(), HasSubstr("the recorder keeps 30.000 s"));
    request.saveWhen.lastNs = 5 * kSecond;
    request.saveWhen.atMost = 0;
    EXPECT_THAT(whyNot(), HasSubstr("1 to 1000 reports"));
    request.saveWhen.atMost = 1;
    request.ringNs = 0;
    EXPECT_THAT(whyNot(), HasSubstr("only a recorder"));
}

} // namespace
} // namespace gantry::node
