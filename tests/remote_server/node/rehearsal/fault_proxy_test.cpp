#include "remote_server/node/rehearsal/fault_proxy.h"

#include "tests/support/temporary_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A proxy in front of servers that send back what they get.
class FaultProxyTest : public testing::Test
{
protected:
    ~FaultProxyTest() override
    {
        m_proxy.reset(); // ends the servers' connections
        m_servers.clear();
    }

    void start(const std::string& faults)
    {
        std::ofstream(folder / "faults") << faults;
        auto watch = FaultWatch::open(folder / "faults", [] {});
        ASSERT_TRUE(watch) << watch.error().text();
        m_watch = std::move(*watch);
        auto proxy = FaultProxy::create(folder / "p.sock", *m_watch, [this](int fd) { m_servers.emplace_back(echo, fd); });
        ASSERT_TRUE(proxy) << proxy.error().text();
        m_proxy = std::move(*proxy);
    }

    [[nodiscard]] UniqueFd connect() const
    {
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (folder / "p.sock").c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
        return fd;
    }

    /// What comes back of `text`; less when the connection ends.
    static std::string exchange(const UniqueFd& fd, const std::string& text)
    {
        std::jthread writer([&] {
            for (std::size_t sent = 0; sent < text.size();) {
                const ssize_t size = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
                if (size <= 0)
                    return;
                sent += static_cast<std::size_t>(size);
            }
        });
        std::string back;
        std::array<char, 65536> buffer;
        while (back.size() < text.size()) {
            const ssize_t size = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0)
                break;
            back.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return back;
    }

    static Clock::duration timeOf(const UniqueFd& fd)
    {
        const auto begin = Clock::now();
        EXPECT_EQ(exchange(fd, "ping"), "ping");
        return Clock::now() - begin;
    }

    test::TemporaryFolder folder;

private:
    static void echo(int number)
    {
        const UniqueFd fd(number);
        std::array<char, 65536> buffer;
        for (pollfd readable{number, POLLIN, 0};;) {
            ::poll(&readable, 1, -1);
            const ssize_t size = ::recv(number, buffer.data(), buffer.size(), 0);
            if (size <= 0)
                return;
            for (ssize_t sent = 0; sent < size;) {
                pollfd writable{number, POLLOUT, 0};
                ::poll(&writable, 1, -1);
                const ssize_t now = ::send(number, buffer.data() + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
                if (now < 0 && errno != EAGAIN)
                    return;
                sent += std::max<ssize_t>(now, 0);
            }
        }
    }

    std::unique_ptr<FaultWatch> m_watch;
    std::vector<std::jthread> m_servers; ///< the proxy's thread, until it has ended
    std::unique_ptr<FaultProxy> m_proxy;
};

TEST_F(FaultProxyTest, PassesOnWhatIsSentWhileNothingIsWrong)
{
    start("");
    std::string text(3 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 31 >> 3);
    EXPECT_TRUE(exchange(connect(), text) == text);
    struct stat status
    {
    };
    ASSERT_EQ(::stat((folder / "p.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(FaultProxyTest, MakesEachRoundTripLonger)
{
    start("latency=120ms");
    const UniqueFd fd = connect();
    EXPECT_GE(timeOf(fd), 120ms);
    EXPECT_GE(timeOf(fd), 120ms);
}

TEST_F(FaultProxyTest, BringsWhatWasLostLateAndInItsOrder)
{
    start("loss=100%");
    const UniqueFd fd = connect();
    EXPECT_GE(timeOf(fd), 400ms); // a retransmission in each direction
    std::string text(200'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i % 251);
    EXPECT_TRUE(exchange(fd, text) == text);
}

TEST_F(FaultProxyTest, LetsNothingThroughWhileTheLineStalls)
{
    start("stall=600ms");
    const auto begin = Clock::now();
    const UniqueFd fd = connect();
    EXPECT_EQ(exchange(fd, "ping"), "ping");
    EXPECT_GE(Clock::now() - begin, 400ms); // it began when the faults were read
    EXPECT_LT(timeOf(fd), 400ms);
}

TEST_F(FaultProxyTest, CutsEachConnectionAtItsAge)
{
    start("cut-after=300ms");
    for (int i = 0; i < 2; ++i) { // the next one can be made, and is cut as well
        const UniqueFd fd = connect();
        const auto begin = Clock::now();
        std::array<char, 16> buffer;
        EXPECT_LE(::recv(fd.get(), buffer.data(), buffer.size(), 0), 0);
        EXPECT_GE(Clock::now() - begin, 200ms);
    }
}

} // namespace
} // namespace gantry::node
