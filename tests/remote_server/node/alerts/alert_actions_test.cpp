#include "remote_server/node/alerts/alert_actions.h"

#include "tests/remote_server/node/fake_capture_engine.h"

#include <gtest/gtest.h>

namespace gantry::node {
namespace {

proto::Target target(const char* id, const char* name, proto::TargetState state)
{
    proto::Target target;
    target.id = id;
    target.name = name;
    target.state = state;
    return target;
}

proto::AlertRule captureOf(const char* nameOrId)
{
    proto::AlertRule rule;
    rule.name = "slow";
    rule.action = proto::AlertAction::Capture;
    rule.targetId = nameOrId;
    return rule;
}

TEST(AlertActions, AServerThatWasStartedAgainIsCapturedByItsName)
{
    FakeCaptureEngine engine;
    const std::vector targets{target("t1", "triton", proto::TargetState::Exited), target("t2", "other", proto::TargetState::Running),
                              target("t3", "triton", proto::TargetState::Running)};
    const auto done = actOnAlert(engine, targets, captureOf("triton"));
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(engine.captures().front().targetId, "t3");
}

TEST(AlertActions, AnIdIsTakenAsOneAndAServerThatDoesNotRunIsNotReplacedByAnother)
{
    FakeCaptureEngine engine;
    const std::vector targets{target("t1", "triton", proto::TargetState::Exited), target("t2", "other", proto::TargetState::Running)};
    for (const char* gone : {"t1", "triton", "t9"}) {
        const auto done = actOnAlert(engine, targets, captureOf(gone));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, ErrorCode::NotFound);
        EXPECT_NE(done.error().message.find(gone), std::string::npos);
    }
    ASSERT_TRUE(actOnAlert(engine, targets, captureOf("t2")));
    EXPECT_EQ(engine.captures().front().targetId, "t2");
}

} // namespace
} // namespace gantry::node
