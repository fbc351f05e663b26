#include "app/remote/ssh_session.h"

#include "app/remote/ssh_channel.h"
#include "app/remote/ssh_handshake.h"
#include "app/remote/ssh_socket.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <list>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

namespace gantry::app {

namespace {

constexpr std::chrono::seconds kKeepAlive{15};
/// Of reads from the connection before the channels have their turn: about 1 MiB.
constexpr int kReadsATurn = 64;
/// How often a channel that the host has not opened yet is looked at, see SshChannel::isOpening().
constexpr std::chrono::milliseconds kOpeningLook{20};
constexpr std::size_t kMostJumpsDeep = 8;

} // namespace

class SshSession::Impl
{
public:
    Impl(Route route, SshPrompter& prompter, OnConnectStep onStep)
        : m_route(std::move(route)), m_prompter(&prompter), m_onStep(std::move(onStep)), m_wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
    }
    ~Impl()
    {
        if (m_thread.joinable()) {
            m_thread.request_stop();
            wake();
            m_thread.join();
        }
    }

    Result<void> connect(const std::stop_token& stop)
    {
        m_connectStop = stop;
        m_thread = std::jthread([this](const std::stop_token& ended) { live(ended); });
        std::unique_lock lock(m_mutex);
        // Not left by `stop` itself: the thread sees it too, and has the prompter until it has ended.
        m_changed.wait(lock, [this] { return m_connected.has_value(); });
        return *m_connected;
    }

    [[nodiscard]] const SshHost& host() const { return m_route.host; }
    [[nodiscard]] bool isConnected() const
    {
        const std::lock_guard lock(m_mutex);
        return m_connected && *m_connected && !m_isGone;
    }

    std::shared_ptr<SshChannelRequest> ask(SshChannelRequest::Kind kind, std::string target, int port)
    {
        auto request = std::make_shared<SshChannelRequest>();
        request->kind = kind;
        request->target = std::move(target);
        request->port = port;
        const std::lock_guard lock(m_mutex);
        if (m_isGone)
            request->complete(m_gone);
        else
            m_requests.push_back(request);
        wake();
        return request;
    }

private:
    void wake() const { (void)::eventfd_write(m_wake.get(), 1); }

    /// The thread of the session: nobody else touches libssh.
    void live(const std::stop_token& ended)
    {
        ::pthread_setname_np(::pthread_self(), "ssh");
        Result<void> connected = open();
        const bool isOpen = connected.hasValue();
        {
            const std::lock_guard lock(m_mutex);
            m_connected.emplace(std::move(connected));
            m_changed.notify_all();
        }
        m_prompter = nullptr;
        if (isOpen)
            carry(ended);
        close();
    }

    Result<void> open()
    {
        GANTRY_TRY(UniqueFd socket, connectSocket());
        // A descriptor of our own of the same socket: shutting that down ends every wait of libssh, whatever it is doing with its own.
        m_ours = UniqueFd(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
        const std::stop_callback cut(m_connectStop, [this] { (void)::shutdown(m_ours.get(), SHUT_RDWR); });
        m_theirs = socket.release();
        m_session = SshSessionHandle(::ssh_new());
        GANTRY_CHECK(prepareSession(m_session.get(), m_route.host, m_theirs));
        const SshHandshake handshake{m_session.get(), m_route.host, *m_prompter, m_onStep, m_connectStop};
        GANTRY_CHECK(withComplaint(exchangeKeys(handshake)));
        GANTRY_CHECK(checkHostKey(handshake));
        GANTRY_CHECK(authenticate(handshake));
        if (m_connectStop.stop_requested())
            return handshake.failure(ErrorCode::Cancelled, "", "");
        ::ssh_set_blocking(m_session.get(), 0);
        return {};
    }

    Result<UniqueFd> connectSocket()
    {
        const SshHost& host = m_route.host;
        if (m_route.via) {
            m_onStep(ConnectStep::Connect, fmt::format("{} through {}", host.text(), m_route.via->host().text()));
            return m_route.via->openTcp(host.hostName, host.port, m_connectStop);
        }
        if (host.proxyCommand.empty())
            return connectTcp(host, m_onStep, m_connectStop);
        m_onStep(ConnectStep::Connect, fmt::format("{} by its ProxyCommand", host.text()));
        GANTRY_TRY(m_proxy, ProxyProcess::start(host.proxyCommand));
        return m_proxy->takeSocket();
    }

    /// What a ProxyCommand has to say about a connection that failed.
    Result<void> withComplaint(Result<void> result) const
    {
        if (result || !m_proxy || result.error().code == ErrorCode::Cancelled)
            return result;
        Error error = std::move(result).error();
        const std::string said = m_proxy->complaint();
        error.message +=
            fmt::format("; its ProxyCommand `{}` {}", m_route.host.proxyCommand, said.empty() ? "said nothing" : "said: " + said);
        return error;
    }

    void carry(const std::stop_token& ended)
    {
        m_event = SshEventHandle(::ssh_event_new());
        ::ssh_event_add_session(m_event.get(), m_session.get());
        auto nextSign = std::chrono::steady_clock::now() + kKeepAlive;
        std::vector<pollfd> waiting;
        while (!ended.stop_requested()) {
            const auto now = std::chrono::steady_clock::now();
            if (now >= nextSign) {
                // A path that forgets idle connections does not; the answer to a peer that is gone is TCP's.
                (void)::ssh_send_ignore(m_session.get(), "");
                nextSign = now + kKeepAlive;
            }
            waitForSomething(waiting, std::min(patience(), std::chrono::ceil<std::chrono::milliseconds>(nextSign - now)));
            if (!takeFromConnection())
                return;
            takeRequests();
            advanceChannels(waiting);
        }
    }

    [[nodiscard]] std::chrono::milliseconds patience() const
    {
        const auto any = [this](auto is) {
            return std::any_of(m_channels.begin(), m_channels.end(), [&](const auto& c) { return is(*c); });
        };
        if (any([](const SshChannel& channel) { return channel.hasMore(); }))
            return std::chrono::milliseconds(0);
        return any([](const SshChannel& channel) { return channel.isOpening(); }) ? kOpeningLook : std::chrono::milliseconds::max();
    }

    void waitForSomething(std::vector<pollfd>& waiting, std::chrono::milliseconds timeout) const
    {
        const bool isFull = (::ssh_get_poll_flags(m_session.get()) & SSH_WRITE_PENDING) != 0;
        waiting.clear();
        waiting.push_back({::ssh_get_fd(m_session.get()), static_cast<short>(isFull ? POLLIN | POLLOUT : POLLIN), 0});
        waiting.push_back({m_wake.get(), POLLIN, 0});
        for (const auto& channel : m_channels)
            waiting.push_back(channel->waitsFor(isFull));
        if (::poll(waiting.data(), waiting.size(), static_cast<int>(timeout.count())) < 0)
            for (pollfd& one : waiting)
                one.revents = 0;
    }

    /// False: the connection has ended.
    bool takeFromConnection()
    {
        for (int turn = 0; turn < kReadsATurn; ++turn) {
            const int rc = ::ssh_event_dopoll(m_event.get(), 0);
            if (rc == SSH_ERROR || ::ssh_is_connected(m_session.get()) == 0)
                return false;
            if (rc == SSH_AGAIN)
                return true;
        }
        return true;
    }

    void takeRequests()
    {
        eventfd_t ignored = 0;
        (void)::eventfd_read(m_wake.get(), &ignored);
        const std::lock_guard lock(m_mutex);
        for (; !m_requests.empty(); m_requests.pop_front())
            m_channels.push_back(std::make_unique<SshChannel>(m_session.get(), std::move(m_requests.front())));
    }

    void advanceChannels(const std::vector<pollfd>& waiting)
    {
        std::size_t index = 2; // behind the connection and the wake-up; channels that came since have no entry
        for (auto channel = m_channels.begin(); channel != m_channels.end(); ++index) {
            const short events = index < waiting.size() ? waiting[index].revents : static_cast<short>(0);
            channel = (*channel)->advance(events) ? std::next(channel) : m_channels.erase(channel);
        }
    }

    void close()
    {
        std::string said = m_session ? ::ssh_get_error(m_session.get()) : "";
        const Error gone{ErrorCode::Unreachable,
                         fmt::format("the connection to {} has ended{}{}", m_route.host.text(), said.empty() ? "" : ": ", said),
                         {}};
        {
            const std::lock_guard lock(m_mutex);
            m_isGone = true;
            m_gone = gone;
            for (const auto& request : m_requests)
                request->complete(gone);
            m_requests.clear();
        }
        for (const auto& channel : m_channels)
            channel->fail(gone);
        m_channels.clear();
        if (m_event && m_session)
            ::ssh_event_remove_session(m_event.get(), m_session.get());
        m_event.reset();
        if (m_session)
            ::ssh_disconnect(m_session.get());
        m_session.reset();
        closeSocket();
        m_proxy.reset();
        m_route.via.reset();
    }

    /// libssh 0.10 closes a descriptor that it was given on some of its ways out and leaves it open on others; by now the number may also
    /// be that of another file.
    void closeSocket()
    {
        struct stat ours
        {
        }, theirs{};
        if (m_theirs >= 0 && ::fstat(m_ours.get(), &ours) == 0 && ::fstat(m_theirs, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
            ours.st_ino == theirs.st_ino)
            ::close(m_theirs);
        m_theirs = -1;
        if (m_ours)
            (void)::shutdown(m_ours.get(), SHUT_RDWR);
        m_ours.reset();
    }

    Route m_route; ///< of the thread, but for host
    SshPrompter* m_prompter;
    OnConnectStep m_onStep;
    std::stop_token m_connectStop;
    UniqueFd m_wake;

    // Of the thread.
    std::unique_ptr<ProxyProcess> m_proxy;
    UniqueFd m_ours;   ///< of the socket that the session is on
    int m_theirs = -1; ///< the same, libssh's
    SshSessionHandle m_session;
    SshEventHandle m_event;
    std::list<std::unique_ptr<SshChannel>> m_channels;

    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::optional<Result<void>> m_connected;                   ///< m_mutex
    bool m_isGone = false;                                     ///< m_mutex
    Error m_gone;                                              ///< m_mutex
    std::deque<std::shared_ptr<SshChannelRequest>> m_requests; ///< m_mutex

    std::jthread m_thread;
};

SshSession::SshSession(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}

SshSession::~SshSession() = default;

Result<std::shared_ptr<SshSession>> SshSession::connect(Route route, SshPrompter& prompter, OnConnectStep onStep, std::stop_token stop)
{
    if (!onStep)
        onStep = [](ConnectStep, const std::string&) {};
    auto impl = std::make_unique<Impl>(std::move(route), prompter, std::move(onStep));
    GANTRY_CHECK(impl->connect(stop));
    return std::shared_ptr<SshSession>(new SshSession(std::move(impl)));
}

const SshHost& SshSession::host() const
{
    return m_impl->host();
}

bool SshSession::isConnected() const
{
    return m_impl->isConnected();
}

Result<UniqueFd> SshSession::openUnixSocket(const std::string& path, std::stop_token stop)
{
    return m_impl->ask(SshChannelRequest::Kind::UnixSocket, path, 0)->wait(std::move(stop));
}

Result<UniqueFd> SshSession::openTcp(const std::string& address, std::uint16_t port, std::stop_token stop)
{
    return m_impl->ask(SshChannelRequest::Kind::Tcp, address, port)->wait(std::move(stop));
}

Result<UniqueFd> SshSession::openSftp(std::stop_token stop)
{
    return m_impl->ask(SshChannelRequest::Kind::Sftp, {}, 0)->wait(std::move(stop));
}

Result<SshCommandResult> SshSession::run(const std::vector<std::string>& argv, std::string_view input, std::stop_token stop)
{
    const auto request = m_impl->ask(SshChannelRequest::Kind::Command, shellCommand(argv), 0);
    GANTRY_TRY(const UniqueFd stream, request->wait(stop));
    const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::stop_callback wakeUp(stop, [&wake] { (void)::eventfd_write(wake.get(), 1); });
    SshCommandResult result;
    std::vector<char> buffer(64 * 1024);
    if (input.empty())
        (void)::shutdown(stream.get(), SHUT_WR);
    for (bool hasEnded = false; !hasEnded;) {
        pollfd waiting[] = {{stream.get(), static_cast<short>(input.empty() ? POLLIN : POLLIN | POLLOUT), 0}, {wake.get(), POLLIN, 0}};
        (void)::poll(waiting, 2, -1);
        if (waiting[1].revents != 0)
            return Error{ErrorCode::Cancelled, "a command on the host was cancelled", {}};
        if (!input.empty() && (waiting[0].revents & POLLOUT) != 0) {
            const ssize_t sent = ::send(stream.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            const bool isRefused = sent < 0 && errno != EAGAIN && errno != EINTR;
            input.remove_prefix(isRefused ? input.size() : static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
            if (input.empty())
                (void)::shutdown(stream.get(), SHUT_WR);
        }
        const ssize_t count = ::recv(stream.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        hasEnded = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
        if (count > 0) {
            const std::size_t room = kMostCommandOutput - result.out.size();
            result.isCut = result.isCut || static_cast<std::size_t>(count) > room;
            result.out.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
        }
    }
    GANTRY_TRY(SshChannelRequest::End end, request->waitForEnd(stop));
    result.exitStatus = end.exitStatus;
    result.err = std::move(end.errors);
    result.isCut = result.isCut || end.isCut;
    return result;
}

namespace {

/// `hops` of the way to `host`, which are those of its configuration unless they were given. Each of them may have a way of its own.
Result<std::shared_ptr<SshSession>> connectOver(const SshConfigPlaces& places, SshHost host, SshPrompter& prompter,
                                                const OnConnectStep& onStep, const std::stop_token& stop, std::size_t depth)
{
    if (depth > kMostJumpsDeep)
        return Error{
            ErrorCode::BadInput,
            fmt::format("the way to {} is over more than {} hosts: does a ProxyJump lead back to itself?", host.text(), kMostJumpsDeep),
            {}};
    for (const std::string& note : host.notes)
        prompter.note(note);
    std::shared_ptr<SshSession> via;
    if (!host.jumps.empty()) {
        GANTRY_TRY(SshHost last, resolveSshHost(places, host.jumps.back()));
        // `a,b` is the way to b over a, whatever b's own configuration says; the first one has the way that its own says.
        if (host.jumps.size() > 1) {
            last.jumps.assign(host.jumps.begin(), host.jumps.end() - 1);
            last.proxyCommand.clear();
        }
        GANTRY_TRY(via, connectOver(places, std::move(last), prompter, onStep, stop, depth + 1));
    }
    const std::string frame = via ? fmt::format("over {}", via->host().text()) : std::string();
    Result<std::shared_ptr<SshSession>> session = SshSession::connect({std::move(host), via}, prompter, onStep, stop);
    return frame.empty() ? std::move(session) : std::move(session).context(frame);
}

} // namespace

Result<std::shared_ptr<SshSession>> connectSsh(const SshConfigPlaces& places, const SshHop& wanted, SshPrompter& prompter,
                                               const OnConnectStep& onStep, std::stop_token stop)
{
    GANTRY_TRY(SshHost host, resolveSshHost(places, wanted));
    return connectOver(places, std::move(host), prompter, onStep, stop, 0);
}

} // namespace gantry::app
