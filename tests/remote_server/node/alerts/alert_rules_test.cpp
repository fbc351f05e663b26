#include "remote_server/node/alerts/alert_rules.h"

#include "remote_server/node/sampling/metrics_sink.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sys/stat.h>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;
constexpr DurationNs kSecond = 1'000'000'000;

/// Where a test says what is measured.
class Meter : public MetricsSource
{
public:
    void add(MetricsSink& sink) override
    {
        const std::lock_guard lock(m_mutex);
        m_sink = &sink;
        sink.onDefinitions(std::vector<metrics::SeriesDefinition>{{1, "queue_length", "count", metrics::SeriesKind::Gauge, {}, {}}});
    }
    void remove(MetricsSink&) override
    {
        const std::lock_guard lock(m_mutex);
        m_sink = nullptr;
    }
    void measure(TimestampNs time, double value)
    {
        const std::lock_guard lock(m_mutex);
        if (m_sink)
            m_sink->onSamples(std::vector<metrics::Sample>{{1, time, value}});
    }

private:
    std::mutex m_mutex;
    MetricsSink* m_sink = nullptr;
};

class AlertRulesTest : public testing::Test
{
protected:
    AlertRules::Options options()
    {
        AlertRules::Options options;
        options.path = folder / AlertRules::kFileName;
        options.monoNow = [this] { return now.load(); };
        options.utcNow = [this] { return now.load(); }; // a boot in 1970, at midnight
        options.act = [this](const proto::AlertRule&) -> Result<std::string> {
            ++acts;
            return std::string("something was done");
        };
        return options;
    }
    static proto::AlertRule longQueue()
    {
        proto::AlertRule rule;
        rule.name = "long queue";
        rule.condition = "queue_length > 10";
        rule.action = proto::AlertAction::SaveRecorder;
        return rule;
    }
    /// Measures it again and again at this time until the rule is in a phase, and what it does then is done.
    proto::AlertState waitFor(AlertRules& rules, proto::AlertPhase phase, double value)
    {
        std::uint64_t known = 0;
        proto::AlertState last;
        for (int i = 0; i < 200; ++i) {
            meter.measure(now, value);
            const auto changes = rules.waitForChanges(known, 50ms);
            known = changes.version;
            for (const proto::AlertState& state : changes.states)
                last = state;
            if (last.phase == phase && (phase != proto::AlertPhase::Firing || !last.events.back().done.empty()))
                return last;
        }
        ADD_FAILURE() << "it is " << name(last.phase) << " and not " << name(phase);
        return last;
    }

    test::TemporaryFolder folder;
    Meter meter;
    std::atomic<TimestampNs> now = 12 * 3600 * kSecond;
    std::atomic<int> acts = 0;
};

TEST_F(AlertRulesTest, ARuleFiresWhenItsConditionHasHeldForLongEnoughAndDoesSomethingOnce)
{
    AlertRules rules(meter, options());
    proto::AlertRule rule = longQueue();
    rule.forNs = 10 * kSecond;
    ASSERT_TRUE(rules.set(rule));
    waitFor(rules, proto::AlertPhase::Ok, 5);
    waitFor(rules, proto::AlertPhase::Pending, 20);
    EXPECT_EQ(acts, 0);
    now += 11 * kSecond;
    const auto fired = waitFor(rules, proto::AlertPhase::Firing, 21);
    EXPECT_EQ(acts, 1);
    ASSERT_EQ(fired.events.size(), 1U);
    EXPECT_EQ(fired.events[0].value, "21");
    EXPECT_EQ(fired.events[0].done, "something was done");
    EXPECT_EQ(fired.events[0].monoNs, now);
    now += kSecond;
    const auto ended = waitFor(rules, proto::AlertPhase::Ok, 5);
    ASSERT_EQ(ended.events.size(), 2U);
    EXPECT_EQ(ended.events[1].phase, proto::AlertPhase::Ok);
    EXPECT_EQ(acts, 1);
}

TEST_F(AlertRulesTest, NothingIsDoneAgainBeforeThePauseIsOver)
{
    AlertRules rules(meter, options());
    proto::AlertRule rule = longQueue();
    rule.cooldownNs = 60 * kSecond;
    ASSERT_TRUE(rules.set(rule));
    waitFor(rules, proto::AlertPhase::Firing, 20);
    now += 6 * kSecond;
    waitFor(rules, proto::AlertPhase::Ok, 5);
    now += 6 * kSecond;
    const auto again = waitFor(rules, proto::AlertPhase::Firing, 20);
    EXPECT_EQ(acts, 1);
    EXPECT_NE(again.events.back().done.find("its pause is"), std::string::npos) << again.events.back().done;
    EXPECT_TRUE(again.events.back().isHeldBack);
    EXPECT_FALSE(again.events.front().isHeldBack);
    now += 6 * kSecond;
    waitFor(rules, proto::AlertPhase::Ok, 5);
    now += 60 * kSecond;
    waitFor(rules, proto::AlertPhase::Firing, 20);
    EXPECT_EQ(acts, 2);
}

TEST_F(AlertRulesTest, NothingIsDoneInQuietHours)
{
    AlertRules rules(meter, options());
    proto::AlertRule rule = longQueue();
    rule.quietHours = "00:00-23:59";
    ASSERT_TRUE(rules.set(rule));
    const auto fired = waitFor(rules, proto::AlertPhase::Firing, 20);
    EXPECT_EQ(acts, 0);
    EXPECT_NE(fired.events.back().done.find("quiet hours"), std::string::npos);
    EXPECT_TRUE(fired.events.back().isHeldBack);
}

TEST_F(AlertRulesTest, RulesSurviveTheDaemonAndTheirNumbersAreNotGivenAgain)
{
    {
        AlertRules rules(meter, options());
        ASSERT_TRUE(rules.set(longQueue()));
        const auto second = rules.set(longQueue());
        ASSERT_TRUE(second);
        EXPECT_EQ(second->rule.id, "a2");
        ASSERT_TRUE(rules.remove("a2"));
    }
    AlertRules rules(meter, options());
    const auto all = rules.list();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].rule.id, "a1");
    EXPECT_EQ(all[0].rule.condition, "queue_length > 10");
    EXPECT_EQ(rules.set(longQueue())->rule.id, "a3");
    struct stat file = {};
    ASSERT_EQ(stat((folder / AlertRules::kFileName).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
}

TEST_F(AlertRulesTest, AFileThatIsDamagedIsNotWrittenOver)
{
    std::ofstream(folder / AlertRules::kFileName) << "{\"rules\": [";
    AlertRules rules(meter, options());
    const auto refused = rules.set(longQueue());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("move it away"), std::string::npos);
    EXPECT_TRUE(rules.list().empty()) << "what was not kept is not watched";
}

TEST_F(AlertRulesTest, ARuleThatMeansNothingIsRefused)
{
    AlertRules rules(meter, options());
    proto::AlertRule capture = longQueue();
    capture.action = proto::AlertAction::Capture;
    EXPECT_EQ(rules.set(capture).error().code, ErrorCode::BadInput) << "of which target?";
    proto::AlertRule quiet = longQueue();
    quiet.quietHours = "22-7";
    EXPECT_EQ(rules.set(quiet).error().code, ErrorCode::BadInput);
    proto::AlertRule unknown = longQueue();
    unknown.id = "a77";
    EXPECT_EQ(rules.set(unknown).error().code, ErrorCode::NotFound);
    proto::AlertRule negative = longQueue();
    negative.forNs = -1;
    EXPECT_EQ(rules.set(negative).error().code, ErrorCode::BadInput);
}

TEST_F(AlertRulesTest, WhoWatchesLearnsOfARuleThatWasDeleted)
{
    AlertRules rules(meter, options());
    ASSERT_TRUE(rules.set(longQueue()));
    const auto first = rules.waitForChanges(0, 0ms);
    ASSERT_TRUE(rules.remove("a1"));
    bool isDeleted = false;
    for (const proto::AlertState& state : rules.waitForChanges(first.version, 10s).states)
        isDeleted |= state.isDeleted && state.rule.id == "a1";
    EXPECT_TRUE(isDeleted);
}

TEST_F(AlertRulesTest, ARuleThatIsOffIsNotJudged)
{
    AlertRules rules(meter, options());
    proto::AlertRule rule = longQueue();
    rule.isOff = true;
    ASSERT_TRUE(rules.set(rule));
    EXPECT_FALSE(rules.watchesAny());
    rule.id = "a1";
    rule.isOff = false;
    ASSERT_TRUE(rules.set(rule));
    EXPECT_TRUE(rules.watchesAny());
    waitFor(rules, proto::AlertPhase::Firing, 20);
}

} // namespace
} // namespace gantry::node
