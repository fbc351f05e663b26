// Nodes behind commands: real commands, and the real gantryd where they have one.

#include "app/remote/node_client.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace gantry::app {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// A folder for a gantryd that commands start there. It ends with this object.
class ExecNode : public testing::Test
{
protected:
    ~ExecNode() override
    {
        const auto pid = daemonPid();
        if (!pid)
            return;
        ::kill(*pid, SIGTERM); // it stops what it has launched
        if (!test::eventually([&] { return !test::isRunning(*pid); }))
            ::kill(*pid, SIGKILL);
    }

    /// `gantryd --stdio` for the folder, as words of an address.
    [[nodiscard]] std::string gantryd() const
    {
        return std::string(GANTRYD) + " --stdio --socket " + m_socket.string() + " --report-folder " + (m_folder / "reports").string();
    }
    /// An address that runs a script of sh.
    [[nodiscard]] static std::string sh(const std::string& script) { return "exec:sh -c '" + script + "'"; }

    [[nodiscard]] static Result<std::shared_ptr<NodeClient>> connect(const std::string& address,
                                                                     std::optional<std::chrono::milliseconds> timeout = {})
    {
        return NodeClient::connect(address, "alice@desk: test", timeout);
    }
    [[nodiscard]] static std::shared_ptr<NodeClient> connected(const std::string& address)
    {
        auto client = connect(address);
        EXPECT_TRUE(client) << client.error().text();
        return client ? *client : nullptr;
    }
    static std::string launchSleep(NodeClient& client)
    {
        proto::LaunchRequest request;
        request.argv = {"/bin/sleep", "600"};
        request.inject = false;
        const auto target = client.launch(request);
        EXPECT_TRUE(target) << target.error().text();
        return target ? target->id : std::string();
    }
    static std::vector<std::string> targetsOf(NodeClient& client)
    {
        std::vector<std::string> ids;
        const auto targets = client.targets();
        EXPECT_TRUE(targets) << targets.error().text();
        if (targets)
            for (const proto::Target& target : *targets)
                ids.push_back(target.id);
        return ids;
    }

    /// Of whoever listens on the socket.
    [[nodiscard]] std::optional<pid_t> daemonPid() const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        m_socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ucred peer{};
        socklen_t length = sizeof peer;
        const bool isThere = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                             ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
        ::close(fd);
        return isThere ? std::optional(peer.pid) : std::nullopt;
    }
    /// The number that a command has written there.
    [[nodiscard]] static pid_t pidIn(const std::filesystem::path& file)
    {
        pid_t pid = 0;
        EXPECT_TRUE(test::eventually([&] { return static_cast<bool>(std::ifstream(file) >> pid); }));
        return pid;
    }

    test::TemporaryFolder m_folder;
    std::filesystem::path m_socket = m_folder / "state/gantryd.sock";
};

TEST_F(ExecNode, IsStartedByTheFirstWhoComesAndFoundByTheNext)
{
    std::string launched;
    {
        const auto first = connected("exec:" + gantryd());
        ASSERT_TRUE(first);
        EXPECT_EQ(first->address(), "exec:" + gantryd());
        launched = launchSleep(*first);
        const auto second = connected("exec:" + gantryd());
        ASSERT_TRUE(second);
        EXPECT_THAT(targetsOf(*second), testing::ElementsAre(launched));
    }
    const auto later = connected("exec:" + gantryd());
    ASSERT_TRUE(later);
    EXPECT_THAT(targetsOf(*later), testing::ElementsAre(launched)) << "it runs on while nobody is connected";
    const auto local = connected("unix:" + m_socket.string());
    ASSERT_TRUE(local);
    EXPECT_THAT(targetsOf(*local), testing::ElementsAre(launched));
}

TEST_F(ExecNode, IsOneAlsoForTwoWhoComeAtOnce)
{
    std::shared_ptr<NodeClient> one, other;
    {
        const std::jthread first([&] { one = connected("exec:" + gantryd()); });
        const std::jthread second([&] { other = connected("exec:" + gantryd()); });
    }
    ASSERT_TRUE(one && other);
    EXPECT_THAT(targetsOf(*other), testing::ElementsAre());
    const std::string launched = launchSleep(*one);
    EXPECT_THAT(targetsOf(*other), testing::ElementsAre(launched));
}

TEST_F(ExecNode, AnswersAfterAnIdleTimeInWhichBothSidesWouldAskWhetherTheOtherLives)
{
    const auto pidFile = m_folder / "relay.pid";
    const auto client = connected(sh("echo $$ > " + pidFile.string() + "; exec " + gantryd()));
    ASSERT_TRUE(client);
    pid_t relay = 0;
    ASSERT_TRUE(std::ifstream(pidFile) >> relay);
    // Longer than the client's 10 s and 5 s for the answer, and gantryd's 20 s and 10 s: who gives the connection up ends its command.
    EXPECT_FALSE(test::eventually([relay] { return !test::isRunning(relay); }, 33s));
    const auto targets = client->targets();
    EXPECT_TRUE(targets) << targets.error().text();
}

TEST_F(ExecNode, IsReachedThroughAShellAndThroughNamespaces)
{
    EXPECT_TRUE(connected(sh("exec " + gantryd())));
    if (test::runProcess({"unshare", "--user", "--map-root-user", "--mount", "true"}).exitStatus != 0)
        GTEST_SKIP() << "namespaces may not be made here";
    EXPECT_TRUE(connected("exec:unshare --user --map-root-user --mount " + gantryd()));
}

TEST_F(ExecNode, CarriesMoreThanItsBuffersHold)
{
    const auto client = connected("exec:" + gantryd());
    ASSERT_TRUE(client);
    std::filesystem::create_directories(m_folder / "reports");
    constexpr std::size_t kBytes = 20 << 20;
    std::ofstream(m_folder / "reports/big.gantry") << std::string(kBytes, 'x');
    std::uint64_t got = 0;
    const auto fetched = client->fetch("big.gantry", 0, {},
                                       [&](const NodeClient::Chunk& chunk) -> Result<void> {
                                           got += chunk.data.size();
                                           return {};
                                       },
                                       {});
    EXPECT_TRUE(fetched) << fetched.error().text();
    EXPECT_EQ(got, kBytes);
}

TEST_F(ExecNode, WhatACommandPrintsBeforeGantrydIsShown)
{
    const auto client = connect(sh("echo Welcome to the cluster; exec " + gantryd()));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message,
                AllOf(HasSubstr("it printed 'Welcome to the cluster'"), HasSubstr("nothing else may write")));
}

TEST_F(ExecNode, AProgramThatIsMissingIsNamed)
{
    const auto client = connect("exec:/nowhere/kubectl exec -i pod -- gantryd --stdio");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, HasSubstr("cannot run /nowhere/kubectl: No such file or directory"));
}

TEST_F(ExecNode, WhatACommandSaysAsItFailsIsShown)
{
    const auto client = connect(sh("echo Error from server: pods x not found >&2; exit 3"));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, AllOf(HasSubstr("exit status 3"), HasSubstr("pods x not found")));
    EXPECT_THAT(connect("exec:true").error().message, HasSubstr("exit status 0; it must run `gantryd --stdio`"));
}

TEST_F(ExecNode, AGantrydThatMayNotRunThereSaysWhy)
{
    std::filesystem::create_directory(m_folder / "open");
    std::filesystem::permissions(m_folder / "open", std::filesystem::perms::all);
    const auto client = connect("exec:" GANTRYD " --stdio --socket " + (m_folder / "open/gantryd.sock").string());
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message, AllOf(HasSubstr("exit status 77"), HasSubstr("chmod 700")));
    const auto wrong = connect("exec:" + gantryd() + " --idle-exit soon");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("exit status 65"), HasSubstr("--idle-exit needs a time")));
}

TEST_F(ExecNode, ACommandThatSaysNothingIsGivenUpAndEndedThoughItIgnoresThat)
{
    const std::filesystem::path file = m_folder / "pid";
    const auto client = connect(sh("trap \"\" TERM; echo $$ > " + file.string() + "; while :; do sleep 600; done"), 300ms);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(client.error().message, HasSubstr("nothing came within 0.3 s, it still runs"));
    EXPECT_TRUE(test::eventually([pid = pidIn(file)] { return !test::isRunning(pid); }));
}

TEST_F(ExecNode, ConnectingThroughACommandThatHangsCanBeCancelled)
{
    std::stop_source stop;
    const std::filesystem::path file = m_folder / "pid";
    const std::jthread stopper([&] {
        (void)pidIn(file);
        stop.request_stop();
    });
    const auto client = NodeClient::connect(sh("echo $$ > " + file.string() + "; exec sleep 600"), "test", {}, stop.get_token());
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::Cancelled);
}

TEST_F(ExecNode, ACommandThatDiesIsToldAndRunAgainForTheNextCall)
{
    const std::filesystem::path file = m_folder / "pid";
    const auto client = connected(sh("echo $$ > " + file.string() + "; exec " + gantryd()));
    ASSERT_TRUE(client);
    const std::string launched = launchSleep(*client);
    const pid_t pid = pidIn(file);
    // A call that is under way learns of it.
    bool isStreaming = false;
    const auto cut = client->streamMetrics(10,
                                           [&](const proto::MetricsBatch&) {
                                               if (!std::exchange(isStreaming, true))
                                                   ::kill(pid, SIGKILL);
                                           },
                                           {});
    ASSERT_TRUE(isStreaming);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(cut.error().message, AllOf(HasSubstr("cannot reach gantryd at exec:sh -c"), HasSubstr("ended by signal 9")));
    EXPECT_THAT(targetsOf(*client), testing::ElementsAre(launched));
    EXPECT_TRUE(client->reconnect(10s, {}));
}

TEST_F(ExecNode, ADaemonThatDiesIsStartedAgain)
{
    const auto client = connected("exec:" + gantryd());
    ASSERT_TRUE(client);
    const auto killed = daemonPid();
    ASSERT_TRUE(killed);
    ::kill(*killed, SIGKILL);
    ASSERT_TRUE(test::eventually([&] { return !test::isRunning(*killed); }));
    const auto again = client->reconnect(20s, {});
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(targetsOf(*client).empty());
    EXPECT_NE(daemonPid(), killed);
}

TEST_F(ExecNode, ACommandThatWorkedOnceAndFailsNowIsToldWithWhatItSays)
{
    const std::filesystem::path file = m_folder / "pid";
    const auto client = connected(
        sh("test -e " + file.string() + " && echo the pod is gone >&2 && exit 1; echo $$ > " + file.string() + "; exec " + gantryd()));
    ASSERT_TRUE(client);
    const pid_t pid = pidIn(file);
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(test::eventually([&] { return !test::isRunning(pid); }));
    const auto gone = client->reconnect(1s, {});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, ErrorCode::Unreachable);
    EXPECT_THAT(gone.error().message, AllOf(HasSubstr("exit status 1"), HasSubstr("the pod is gone")));
}

} // namespace
} // namespace gantry::app
