#include "remote_server/node/rehearsal/fault_proxy.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::size_t kMostHeldBytes = 4 << 20; // of one direction, as the buffers of a long line
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr DurationNs kRetransmission = 200'000'000; // Linux, tcp.h: TCP_RTO_MIN
constexpr DurationNs kLongestPoll = 50'000'000;     // faults change meanwhile

/// One direction of a connection.
struct Pipe
{
    struct Piece
    {
        std::int64_t dueNs = 0;
        std::string bytes;
    };
    int from = -1, to = -1;
    std::deque<Piece> pieces;
    std::size_t heldBytes = 0;
    bool hasEnded = false; ///< `from` gives nothing more

    [[nodiscard]] bool canRead() const { return !hasEnded && heldBytes < kMostHeldBytes; }
    [[nodiscard]] bool isDue(std::int64_t now) const { return !pieces.empty() && pieces.front().dueNs <= now; }

    /// False: the connection is broken.
    bool read(std::int64_t dueNs)
    {
        std::array<char, kPieceBytes> buffer;
        const ssize_t size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0)
            return errno == EAGAIN || errno == EINTR;
        hasEnded = size == 0;
        if (size == 0)
            return true;
        // Never before what came earlier.
        pieces.push_back({std::max(dueNs, pieces.empty() ? 0 : pieces.back().dueNs), {buffer.data(), static_cast<std::size_t>(size)}});
        heldBytes += static_cast<std::size_t>(size);
        return true;
    }

    bool write(std::int64_t now)
    {
        while (isDue(now)) {
            Piece& piece = pieces.front();
            const ssize_t size = ::send(to, piece.bytes.data(), piece.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (size < 0)
                return errno == EAGAIN || errno == EINTR;
            heldBytes -= static_cast<std::size_t>(size);
            piece.bytes.erase(0, static_cast<std::size_t>(size));
            if (!piece.bytes.empty())
                return true;
            pieces.pop_front();
        }
        return true;
    }
};

} // namespace

struct FaultProxy::Connection
{
    UniqueFd client, node;
    Pipe up, down;
    std::int64_t begunNs = monotonicNow();

    [[nodiscard]] bool isOver() const { return (up.hasEnded && up.pieces.empty()) || (down.hasEnded && down.pieces.empty()); }
};

Result<std::unique_ptr<FaultProxy>> FaultProxy::create(const std::string& socketPath, const FaultWatch& faults,
                                                       std::function<void(int fd)> serve)
{
    UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socketPath.c_str(), sizeof address.sun_path - 1);
    const mode_t mask = ::umask(0177);
    const int bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(mask);
    if (bound != 0 || ::listen(listener.get(), 64) != 0)
        return errnoError(errno, "cannot listen on " + socketPath);
    return std::unique_ptr<FaultProxy>(new FaultProxy(socketPath, std::move(listener), faults, std::move(serve)));
}

FaultProxy::FaultProxy(std::string path, UniqueFd listener, const FaultWatch& faults, std::function<void(int fd)> serve)
    : m_path(std::move(path)), m_listener(std::move(listener)), m_faults(faults), m_serve(std::move(serve))
{
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

FaultProxy::~FaultProxy()
{
    m_thread.request_stop();
    m_thread = {};
    ::unlink(m_path.c_str());
}

void FaultProxy::accept()
{
    for (;;) {
        UniqueFd client(::accept4(m_listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        int pair[2];
        if (!client || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
            return;
        Connection& connection = m_connections.emplace_back();
        connection.client = std::move(client);
        connection.node.reset(pair[0]);
        connection.up.from = connection.down.to = connection.client.get();
        connection.up.to = connection.down.from = connection.node.get();
        m_serve(pair[1]);
    }
}

void FaultProxy::forward(const FaultWatch::Now& faults, bool isStalled)
{
    std::bernoulli_distribution isLost(faults.faults.lossRatio);
    for (auto connection = m_connections.begin(); connection != m_connections.end();) {
        const std::int64_t now = monotonicNow();
        const auto& cutAfter = faults.faults.cutAfterNs;
        bool isGood = !cutAfter || now < std::max(connection->begunNs, faults.sinceNs) + *cutAfter;
        for (Pipe* pipe : {&connection->up, &connection->down}) {
            const DurationNs delay = faults.faults.latencyNs / 2;
            if (isGood && pipe->canRead())
                isGood = pipe->read(now + delay + (isLost(m_random) ? kRetransmission : 0));
            if (isGood && !isStalled)
                isGood = pipe->write(now);
        }
        connection = isGood && !connection->isOver() ? std::next(connection) : m_connections.erase(connection);
    }
}

void FaultProxy::run(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        const FaultWatch::Now faults = m_faults.now();
        const std::int64_t now = monotonicNow();
        const std::int64_t stalledUntil = faults.faults.stallNs > 0 ? faults.sinceNs + faults.faults.stallNs : 0;
        std::int64_t wakeNs = now + kLongestPoll;
        std::vector<pollfd> waited{{m_listener.get(), POLLIN, 0}};
        for (const Connection& connection : m_connections)
            for (const Pipe* pipe : {&connection.up, &connection.down}) {
                if (pipe->canRead())
                    waited.push_back({pipe->from, POLLIN, 0});
                if (!pipe->pieces.empty() && now >= stalledUntil) {
                    if (pipe->isDue(now))
                        waited.push_back({pipe->to, POLLOUT, 0});
                    else
                        wakeNs = std::min(wakeNs, pipe->pieces.front().dueNs);
                }
                if (faults.faults.cutAfterNs)
                    wakeNs = std::min(wakeNs, std::max(connection.begunNs, faults.sinceNs) + *faults.faults.cutAfterNs);
            }
        if (stalledUntil > now)
            wakeNs = std::min(wakeNs, stalledUntil);
        const DurationNs wait = std::max<DurationNs>(wakeNs - now, 0);
        const timespec timeout{wait / 1'000'000'000, static_cast<long>(wait % 1'000'000'000)};
        ::ppoll(waited.data(), waited.size(), &timeout, nullptr);
        accept();
        forward(faults, monotonicNow() < stalledUntil);
    }
}

} // namespace gantry::node
