#include "remote_server/node/engines/kineto_fabric.h"

#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <stdlib.h> // mkdtemp(3)
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What libkineto in a PyTorch process does on its side (seen of PyTorch 2.15): datagrams of 8 bytes of size, 32 of kind, and a body.
class FakePyTorch
{
public:
    FakePyTorch(const fs::path& folder, std::vector<std::int32_t> pids) : m_pids(std::move(pids))
    {
        m_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const sockaddr_un own = addressOf(folder / "dynoconfigclient"), daemon = addressOf(folder / "dynolog");
        const bool isBound = bind(m_socket, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
        const timeval patience{30, 0};
        setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        EXPECT_TRUE(isBound && connect(m_socket, reinterpret_cast<const sockaddr*>(&daemon), sizeof daemon) == 0);
    }
    ~FakePyTorch() { close(m_socket); }

    std::string exchange(const char* type, const std::string& body) const
    {
        std::string message(40, '\0');
        const std::uint64_t size = body.size();
        std::memcpy(message.data(), &size, sizeof size);
        std::strcpy(message.data() + 8, type);
        message += body;
        EXPECT_EQ(send(m_socket, message.data(), message.size(), 0), static_cast<ssize_t>(message.size()));
        std::array<char, 4096> reply{};
        const ssize_t got = recv(m_socket, reply.data(), reply.size(), 0);
        EXPECT_GE(got, 40);
        EXPECT_STREQ(reply.data() + 8, type);
        return got > 40 ? std::string(reply.data() + 40, static_cast<std::size_t>(got) - 40) : std::string();
    }
    /// `type`: 2 while it can trace, 0 while it does.
    std::string ask(std::int32_t type) const
    {
        std::string body(16 + 4 * m_pids.size(), '\0');
        const auto count = static_cast<std::int32_t>(m_pids.size());
        std::memcpy(body.data(), &type, sizeof type);
        std::memcpy(body.data() + 4, &count, sizeof count);
        std::memcpy(body.data() + 16, m_pids.data(), 4 * m_pids.size());
        return exchange("req", body);
    }

private:
    static sockaddr_un addressOf(const fs::path& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }

    std::vector<std::int32_t> m_pids;
    int m_socket = -1;
};

class KinetosFabric : public testing::Test
{
protected:
    void SetUp() override
    {
        auto made = KinetoFabric::create();
        ASSERT_TRUE(made) << made.error().text();
        fabric = *std::move(made);
        folder = fabric->environment().at("KINETO_IPC_SOCKET_DIR");
    }
    std::unique_ptr<KinetoFabric> fabric;
    fs::path folder;
};

TEST_F(KinetosFabric, TellsAProcessItsConfigurationOnceWhenItCanTrace)
{
    const FakePyTorch process(folder, {4711, 4000, 1});
    EXPECT_EQ(process.exchange("ctxt", std::string(16, '\0')).size(), 4u) << "how many there are of its job";
    EXPECT_EQ(process.ask(2), "");
    fabric->request(4711, "ACTIVITIES_DURATION_MSECS=500\n");
    EXPECT_EQ(process.ask(0), "") << "it traces something else";
    EXPECT_FALSE(fabric->isTold(4711));
    EXPECT_EQ(process.ask(2), "ACTIVITIES_DURATION_MSECS=500\n");
    EXPECT_TRUE(fabric->isTold(4711));
    EXPECT_EQ(process.ask(2), "");
}

TEST_F(KinetosFabric, RemovesTheFoldersOfDaemonsThatWereKilledAndNoOthers)
{
    char abandoned[] = "/tmp/gantry-kineto-XXXXXX";
    ASSERT_TRUE(mkdtemp(abandoned));
    const int killed = socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (std::string(abandoned) + "/dynolog").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(killed, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(killed);
    ASSERT_TRUE(KinetoFabric::create());
    EXPECT_FALSE(fs::exists(abandoned));
    EXPECT_TRUE(fs::exists(folder)) << "its daemon lives";
}

TEST_F(KinetosFabric, KnowsAProcessByItsAncestorsOnceItHasAskedForAWhile)
{
    const FakePyTorch process(folder, {4711, 4000, 1});
    static_cast<void>(process.ask(2));
    EXPECT_TRUE(fabric->processesOf(4000).empty()) << "PyTorch may be loading still";
    EXPECT_GT(fabric->lastIdleNs(4711), 0);
    while (fabric->processesOf(4000).empty())
        static_cast<void>(process.ask(2));
    EXPECT_EQ(fabric->processesOf(4000), std::vector{4711});
    EXPECT_EQ(fabric->processesOf(4711), std::vector{4711});
    EXPECT_TRUE(fabric->processesOf(4001).empty());
}

TEST_F(KinetosFabric, SurvivesMessagesThatMakeNoSense)
{
    const FakePyTorch process(folder, {4711});
    EXPECT_EQ(process.exchange("req", "short"), "");
    EXPECT_EQ(process.exchange("what", ""), "");
    std::string body(16, '\0');
    const std::int32_t many = 1'000'000;
    std::memcpy(body.data() + 4, &many, sizeof many);
    EXPECT_EQ(process.exchange("req", body), "") << "more pids are announced than there are";
}

TEST_F(KinetosFabric, IsPrivateAndLeavesNothingBehind)
{
    EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
    EXPECT_EQ(fabric->environment().at("KINETO_USE_DAEMON"), "1");
    EXPECT_THAT(test::readFile(fabric->environment().at("KINETO_CONFIG")), HasSubstr("ON_DEMAND_CONFIG_UPDATE_INTERVAL_SECS=1"));
    fabric.reset();
    EXPECT_FALSE(fs::exists(folder));
}

} // namespace
} // namespace gantry::node
