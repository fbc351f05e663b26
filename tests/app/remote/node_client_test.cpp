#include "app/remote/node_client.h"

#include "remote_server/proto/protocol_version.h"
#include "tests/app/remote/fake_node.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

namespace gantry::app {
namespace {

using test::FakeNode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<NodeClient> connected(const std::string& address)
{
    auto client = NodeClient::connect(address, "alice@desk: test");
    EXPECT_TRUE(client) << client.error().text();
    return client ? *client : nullptr;
}

TEST(NodeClient, ConnectingTellsWhoAnswers)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    EXPECT_EQ(client->hello().daemonVersion, "9.9.9");
    EXPECT_EQ(client->hello().hostName, "fake");
    EXPECT_EQ(client->address(), node.address());
}

TEST(NodeClient, NobodyThereIsUnreachableAndSaysHowToStartOne)
{
    const test::TemporaryFolder folder;
    const std::string socket = folder / "none.sock";
    const auto client = NodeClient::connect("unix:" + socket, "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, AllOf(HasSubstr("cannot reach gantryd at unix:" + socket + ": No such file or directory;"),
                                              HasSubstr("start it with `gantryd --socket " + socket + "`")));
}

TEST(NodeClient, AnotherProtocolVersionSaysWhatToUpgrade)
{
    FakeNode::Behaviour newer;
    newer.protocolVersion = proto::kProtocolVersion + 1;
    const FakeNode node(newer);
    const auto client = NodeClient::connect(node.address(), "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::VersionMismatch);
    EXPECT_THAT(client.error().message, HasSubstr("upgrade this program"));
}

TEST(NodeClient, EveryCallCarriesProtocolAndTrimmedToken)
{
    FakeNode::Behaviour guarded;
    guarded.requiredToken = "secret-of-16-chars";
    const FakeNode node(guarded);
    const test::TemporaryFolder folder;
    std::ofstream(folder / "token") << "  secret-of-16-chars\n\n";
    const auto client = connected(node.address() + "?token-file=" + (folder / "token").string());
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->reports());
    EXPECT_EQ(node.lastProtocol(), std::to_string(proto::kProtocolVersion));
    EXPECT_EQ(node.lastAuthorization(), "Bearer secret-of-16-chars");
}

TEST(NodeClient, WrongAndMissingTokensAreNotPermitted)
{
    FakeNode::Behaviour guarded;
    guarded.requiredToken = "secret-of-16-chars";
    const FakeNode node(guarded);
    const test::TemporaryFolder folder;
    std::ofstream(folder / "token") << "guess";
    std::ofstream(folder / "empty") << "\n";
    for (const std::string& query : {std::string(), "?token-file=" + (folder / "token").string(), "?token-file=" + (folder / "empty").string(),
                                     "?token-file=" + (folder / "missing").string()}) {
        const auto client = NodeClient::connect(node.address() + query, "test");
        ASSERT_FALSE(client) << query;
        EXPECT_EQ(client.error().code, ErrorCode::NotPermitted) << query;
    }
}

TEST(NodeClient, ErrorsOfTheNodeKeepTheirCodeAndSentence)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    proto::CaptureRequest request;
    request.targetId = "busy";
    const auto status = client->startCapture(request);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::Busy);
    EXPECT_EQ(status.error().message, "bob@desk holds the window");
    EXPECT_EQ(node.lastCaptureClient(), "alice@desk: test") << "the client names itself when the request does not";
}

TEST(NodeClient, WatchingShowsEachStateAndReturnsTheLast)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    std::vector<proto::CaptureState> seen;
    const auto last = client->watchCapture("c1", [&](const proto::CaptureStatus& status) { seen.push_back(status.state); }, {});
    ASSERT_TRUE(last) << last.error().text();
    using enum proto::CaptureState;
    EXPECT_THAT(seen, testing::ElementsAre(Capturing, Closing, Assembling, Done));
    EXPECT_EQ(last->reportName, "a.gantry");
}

TEST(NodeClient, StreamThatEndsBeforeTheCaptureIsNoSuccess)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    const auto last = client->watchCapture("cut", {}, {});
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, ErrorCode::Unreachable);
}

TEST(NodeClient, StopTokenEndsAWatchThatWouldNotEnd)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    std::stop_source stop;
    const auto last = client->watchCapture("endless", [&](const proto::CaptureStatus& status) {
        if (status.state == proto::CaptureState::Assembling)
            stop.request_stop();
    }, stop.get_token());
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, ErrorCode::Cancelled);
}

TEST(NodeClient, StopTokenFromAnotherThreadEndsAStreamAsSuccess)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    std::stop_source stop;
    std::vector<metrics::Sample> samples;
    std::jthread stopper;
    const auto result = client->streamMetrics(10, [&](const proto::MetricsBatch& batch) {
        samples = batch.samples;
        stopper = std::jthread([&] { stop.request_stop(); });
    }, stop.get_token());
    EXPECT_TRUE(result);
    ASSERT_EQ(samples.size(), 1u);
    EXPECT_EQ(samples.front().value, 0.5);
}

TEST(NodeClient, StoppedBeforeItBeginsReadsNothing)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    std::stop_source stop;
    stop.request_stop();
    bool called = false;
    EXPECT_TRUE(client->streamMetrics(10, [&](const proto::MetricsBatch&) { called = true; }, stop.get_token()));
    EXPECT_FALSE(called);
}

TEST(NodeClient, ClockOffsetIsWithinItsOwnBound)
{
    const FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    const auto offset = client->sampleClock(8);
    ASSERT_TRUE(offset) << offset.error().text();
    EXPECT_GT(offset->roundTripNs, 0);
    EXPECT_GE(offset->errorNs * 2, offset->roundTripNs);
    EXPECT_NEAR(static_cast<double>(offset->offsetNs), 3.6e12, static_cast<double>(offset->errorNs)); // the fake's clock is an hour ahead
}

TEST(NodeClient, ReconnectsToANodeThatCameBack)
{
    FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    node.stop();
    ASSERT_FALSE(client->reports());
    node.start();
    const auto again = client->reconnect(std::chrono::seconds(20), {});
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(client->reports());
}

TEST(NodeClient, ReconnectingGivesUpAfterItsTimeAndWhenStopped)
{
    FakeNode node;
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    node.stop();
    const auto late = client->reconnect(std::chrono::milliseconds(300), {});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::Unreachable);
    EXPECT_NE(late.error().message.find("is it running?"), std::string::npos) << late.error().message; // not: did not answer in time

    std::stop_source stop;
    stop.request_stop();
    const auto stopped = client->reconnect(std::chrono::hours(1), stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST(NodeClient, ProgressOfAnExportIsAFractionWhateverTheNodeSays)
{
    FakeNode::Behaviour behaviour;
    behaviour.exportProgress = {std::numeric_limits<double>::quiet_NaN(), 1e300, -1, 0.5};
    const FakeNode node(behaviour);
    const auto client = connected(node.address());
    ASSERT_TRUE(client);
    const test::TemporaryFolder folder;
    std::ofstream(folder / "run.nsys-rep") << "report";
    std::vector<double> told;
    NodeClient::ExportWatch watch;
    watch.onProgress = [&](double fraction) { told.push_back(fraction); };
    EXPECT_EQ(client->exportNsysReport(folder / "run.nsys-rep", 6, watch, {}).error().code, ErrorCode::Truncated);
    EXPECT_THAT(told, ElementsAre(0, 1, 0, 0.5));
}

} // namespace
} // namespace gantry::app
