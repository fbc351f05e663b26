#include "app/remote/node_client.h"
#include "app/remote/report_fetcher.h"
#include "tests/app/remote/fake_node.h"
#include "tests/app/remote/scripted_prompter.h"
#include "tests/support/sshd_fixture.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <set>

namespace gantry::app {
namespace {

using test::FakeNode;
using test::SshdFixture;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A node in this process behind a real sshd.
class SshLinkTest : public testing::Test
{
protected:
    void SetUp() override
    {
        if (const auto reason = test::whyNoSshd())
            GTEST_SKIP() << *reason;
    }
    [[nodiscard]] static std::string addressOf(const std::filesystem::path& config, const std::string& where)
    {
        return "ssh://node?config=" + config.string() + where;
    }
    [[nodiscard]] static std::string addressOf(const SshdFixture& sshd, const FakeNode& node)
    {
        return addressOf(sshd.writeConfig(), "&socket=" + node.socketPath());
    }
};

TEST_F(SshLinkTest, CallsGoThroughToTheSocketOnTheNode)
{
    const SshdFixture sshd;
    const FakeNode node;
    const auto client = NodeClient::connect(addressOf(sshd, node), "alice@desk: test");
    ASSERT_TRUE(client) << client.error().text();
    EXPECT_EQ((*client)->hello().hostName, "fake");
    EXPECT_EQ((*client)->address(), "ssh://node");
    EXPECT_TRUE((*client)->reports());
}

TEST_F(SshLinkTest, NobodyAtTheSocketIsSaidWithWhatToDo)
{
    const SshdFixture sshd;
    const auto client = NodeClient::connect(addressOf(sshd.writeConfig(), "&socket=/nowhere/gantryd.sock"), "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, HasSubstr("/nowhere/gantryd.sock"));
}

TEST_F(SshLinkTest, AHostWhoseKeyIsUnknownIsRefusedWhenNobodyIsThereToAsk)
{
    const SshdFixture sshd;
    const FakeNode node;
    const auto client = NodeClient::connect(addressOf(sshd.writeConfig({}, false), "&socket=" + node.socketPath()), "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(client.error().message, AllOf(HasSubstr("SHA256:"), HasSubstr("nobody is there to ask")));
}

TEST_F(SshLinkTest, AReportComesOverASessionOfItsOwnAndWhole)
{
    const SshdFixture sshd;
    FakeNode::Behaviour behaviour;
    for (int i = 0; i < 5'000'000; ++i)
        behaviour.reportData.push_back(static_cast<char>(i * 31 + i / 251));
    behaviour.chunkBytes = 256 * 1024;
    const FakeNode node(behaviour);
    const auto client = NodeClient::connect(addressOf(sshd, node), "test");
    ASSERT_TRUE(client) << client.error().text();
    const std::size_t before = sshd.connections().size();
    const test::TemporaryFolder folder;
    const auto fetched = fetchReport(**client, "a.gantry", folder / "a.gantry", {}, {});
    ASSERT_TRUE(fetched) << fetched.error().text();
    std::ifstream file(folder / "a.gantry", std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), behaviour.reportData);
    EXPECT_GT(sshd.connections().size(), before);
}

TEST_F(SshLinkTest, ASessionThatWasCutIsMadeAgainByTheNextCalls)
{
    SshdFixture sshd;
    const FakeNode node;
    const auto client = NodeClient::connect(addressOf(sshd, node), "test");
    ASSERT_TRUE(client) << client.error().text();
    sshd.kill();
    const auto cut = (*client)->reports();
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::Unreachable);
    sshd.start();
    const auto again = (*client)->reconnect(std::chrono::seconds(20), {});
    EXPECT_TRUE(again) << again.error().text();
    EXPECT_TRUE((*client)->reports());
}

TEST_F(SshLinkTest, AGantrydThatRestartsIsFoundAgainOverTheSameSession)
{
    const SshdFixture sshd;
    FakeNode node;
    const auto client = NodeClient::connect(addressOf(sshd, node), "test");
    ASSERT_TRUE(client) << client.error().text();
    node.stop();
    ASSERT_FALSE((*client)->reports());
    node.start();
    const std::string log = sshd.log();
    EXPECT_TRUE((*client)->reconnect(std::chrono::seconds(20), {}));
    EXPECT_TRUE((*client)->reports());
    EXPECT_EQ(sshd.log().substr(log.size()).find("Accepted"), std::string::npos) << "no second login";
}

TEST_F(SshLinkTest, AReportIsResumedAcrossACutOfTheConnection)
{
    SshdFixture sshd;
    FakeNode::Behaviour behaviour;
    behaviour.reportData.assign(3'000'000, 'x');
    for (std::size_t i = 0; i < behaviour.reportData.size(); i += 7)
        behaviour.reportData[i] = static_cast<char>(i);
    behaviour.chunkBytes = 64 * 1024;
    const FakeNode node(behaviour);
    const auto client = NodeClient::connect(addressOf(sshd, node), "test");
    ASSERT_TRUE(client) << client.error().text();
    const test::TemporaryFolder folder;
    bool isCut = false;
    const auto progress = [&](std::uint64_t bytes, std::uint64_t) {
        if (isCut || bytes < 500'000)
            return;
        isCut = true;
        sshd.kill();
        sshd.start();
    };
    const auto fetched = fetchReport(**client, "a.gantry", folder / "a.gantry", progress, {});
    ASSERT_TRUE(fetched) << fetched.error().text();
    EXPECT_TRUE(isCut);
    std::ifstream file(folder / "a.gantry", std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), behaviour.reportData);
}

TEST_F(SshLinkTest, ASecretIsAskedForOnceForAllSessions)
{
    SshdFixture sshd;
    const auto key = sshd.addClientKey("locked", "sesame");
    const auto config = sshd.writeConfig({"IdentityFile " + key.string()});
    std::filesystem::rename(sshd.clientKey(), sshd.clientKey().string() + ".away");
    FakeNode::Behaviour behaviour;
    behaviour.reportData = "report";
    const FakeNode node(behaviour);
    const auto person = std::make_shared<test::ScriptedPrompter>();
    person->secrets = {"sesame"};
    const auto client = NodeClient::connect(addressOf(config, "&socket=" + node.socketPath()),
                                            NodeClient::ConnectOptions{"test", std::chrono::seconds(5), person, {}});
    ASSERT_TRUE(client) << client.error().text();
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fetchReport(**client, "a.gantry", folder / "a.gantry", {}, {}));
    sshd.kill();
    sshd.start();
    EXPECT_TRUE((*client)->reconnect(std::chrono::seconds(20), {}));
    EXPECT_EQ(person->questions.size(), 1u);
}

TEST_F(SshLinkTest, SocketForwardingThatTheHostForbidsIsAnError)
{
    SshdFixture::Options options;
    options.lines = {"AllowStreamLocalForwarding no"};
    const SshdFixture sshd(options);
    const FakeNode node;
    const auto config = sshd.writeConfig();
    const auto refused = NodeClient::connect(addressOf(config, "&socket=" + node.socketPath()), "test");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unreachable);
}

TEST_F(SshLinkTest, ForwardingThatTheHostForbidsIsSaidWithTheSetting)
{
    SshdFixture::Options options;
    options.lines = {"AllowTcpForwarding no"};
    const SshdFixture sshd(options);
    const auto client = NodeClient::connect(addressOf(sshd.writeConfig(), "&tcp=127.0.0.1:9"), "test");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(client.error().message, HasSubstr("AllowTcpForwarding"));
}

TEST_F(SshLinkTest, ConnectingCanBeCancelled)
{
    const SshdFixture sshd;
    const FakeNode node;
    std::stop_source stop;
    NodeClient::ConnectOptions options;
    options.clientName = "test";
    options.onStep = [&](ConnectStep step, const std::string&) {
        if (step == ConnectStep::Authenticate)
            stop.request_stop();
    };
    const auto client = NodeClient::connect(addressOf(sshd, node), options, stop.get_token());
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace gantry::app
