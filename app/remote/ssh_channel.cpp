#include "app/remote/ssh_channel.h"

#include "app/remote/ssh_session.h"
#include "app/remote/ssh_socket.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>

namespace gantry::app {

namespace {

constexpr std::size_t kChunk = 128 * 1024;
/// Chunks of one channel before the next one has its turn.
constexpr int kChunksATurn = 16;

} // namespace

Result<UniqueFd> SshChannelRequest::wait(std::stop_token stop)
{
    std::unique_lock lock(m_mutex);
    if (!m_changed.wait(lock, stop, [this] { return m_result.has_value(); })) {
        m_isAbandoned = true;
        return Error{ErrorCode::Cancelled, "waiting for the host was cancelled", {}};
    }
    return std::move(*m_result);
}

void SshChannelRequest::complete(Result<UniqueFd> result)
{
    const std::lock_guard lock(m_mutex);
    if (!m_result)
        m_result.emplace(std::move(result));
    m_changed.notify_all();
}

bool SshChannelRequest::isAbandoned() const
{
    const std::lock_guard lock(m_mutex);
    return m_isAbandoned;
}

Result<SshChannelRequest::End> SshChannelRequest::waitForEnd(std::stop_token stop)
{
    std::unique_lock lock(m_mutex);
    if (!m_changed.wait(lock, stop, [this] { return m_end.has_value(); }))
        return Error{ErrorCode::Cancelled, "waiting for the host was cancelled", {}};
    return std::move(*m_end);
}

void SshChannelRequest::end(End end)
{
    const std::lock_guard lock(m_mutex);
    if (!m_end)
        m_end.emplace(std::move(end));
    m_changed.notify_all();
}

SshChannel::SshChannel(ssh_session session, std::shared_ptr<SshChannelRequest> request)
    : m_session(session), m_channel(::ssh_channel_new(session)), m_request(std::move(request))
{
    if (m_channel)
        watchForNews();
}

SshChannel::~SshChannel()
{
    if (m_channel) {
        ::ssh_remove_channel_callbacks(m_channel, &m_callbacks);
        ::ssh_channel_free(m_channel); // which closes it
    }
    m_request->end(std::move(m_end));
    m_request->complete(Error{ErrorCode::Unreachable, "the connection has ended", {}});
}

/// Callbacks that take nothing: they only tell that something has come for this channel.
void SshChannel::watchForNews()
{
    const auto tell = [](void* self) { static_cast<SshChannel*>(self)->m_hasMore = true; };
    static constexpr auto kTell = tell;
    m_callbacks.userdata = this;
    m_callbacks.channel_data_function = [](ssh_session, ssh_channel, void*, std::uint32_t, int, void* self) {
        kTell(self);
        return 0;
    };
    m_callbacks.channel_eof_function = [](ssh_session, ssh_channel, void* self) { kTell(self); };
    m_callbacks.channel_close_function = [](ssh_session, ssh_channel, void* self) { kTell(self); };
    m_callbacks.channel_write_wontblock_function = [](ssh_session, ssh_channel, std::uint32_t, void* self) {
        kTell(self);
        return 0;
    };
    ssh_callbacks_init(&m_callbacks);
    ::ssh_set_channel_callbacks(m_channel, &m_callbacks);
}

void SshChannel::fail(const Error& error)
{
    m_request->complete(error);
}

pollfd SshChannel::waitsFor(bool isSessionFull) const
{
    pollfd waiting{-1, 0, 0};
    if (!m_isOpen || m_isLocalGone)
        return waiting;
    if (!m_down.isEmpty())
        waiting.events |= POLLOUT;
    if (!m_isLocalEnded && m_up.isEmpty() && !isSessionFull && ::ssh_channel_window_size(m_channel) > 0)
        waiting.events |= POLLIN;
    // Without an event to wait for it is left out: poll(2) would come back at once for a socket that is hung up.
    if (waiting.events != 0)
        waiting.fd = m_local.get();
    return waiting;
}

bool SshChannel::advance(short localEvents)
{
    if (!m_isOpen)
        return open();
    m_hasMore = false;
    const bool isCommand = m_request->kind == SshChannelRequest::Kind::Command;
    if (isCommand && readErrors())
        m_hasMore = true;
    carryDown();
    carryUp();
    if ((localEvents & POLLHUP) != 0 && m_isLocalEnded)
        m_isLocalGone = true;
    if (!isOver())
        return true;
    if (isCommand) {
        while (readErrors()) { // at most what the window let in
        }
        m_end.exitStatus = ::ssh_channel_get_exit_status(m_channel);
    }
    return false;
}

/// True: it is open, or on its way.
bool SshChannel::open()
{
    const int rc = m_channel ? request() : SSH_ERROR;
    if (rc == SSH_AGAIN)
        return !m_request->isAbandoned();
    if (rc != SSH_OK) {
        m_request->complete(openError());
        return false;
    }
    Result<std::pair<UniqueFd, UniqueFd>> ends = streamPair();
    if (!ends) {
        m_request->complete(std::move(ends).error());
        return false;
    }
    m_local = std::move(ends->first);
    m_isOpen = true;
    m_request->complete(std::move(ends->second));
    return true;
}

int SshChannel::request()
{
    using Kind = SshChannelRequest::Kind;
    const std::string& target = m_request->target;
    if (!m_isAccepted) {
        int rc = SSH_ERROR;
        if (m_request->kind == Kind::UnixSocket)
            rc = ::ssh_channel_open_forward_unix(m_channel, target.c_str(), "localhost", 0);
        else if (m_request->kind == Kind::Tcp)
            rc = ::ssh_channel_open_forward(m_channel, target.c_str(), m_request->port, "localhost", 0);
        else
            rc = ::ssh_channel_open_session(m_channel);
        if (rc != SSH_OK)
            return rc;
        m_isAccepted = true;
    }
    if (m_request->kind == Kind::Command)
        return ::ssh_channel_request_exec(m_channel, target.c_str());
    if (m_request->kind == Kind::Sftp)
        return ::ssh_channel_request_subsystem(m_channel, "sftp");
    return SSH_OK;
}

Error SshChannel::openError() const
{
    using Kind = SshChannelRequest::Kind;
    const std::string said = ::ssh_get_error(m_session);
    switch (m_request->kind) {
    case Kind::UnixSocket:
        return Error{ErrorCode::Unreachable, fmt::format("the host does not connect us to its socket {}: {}", m_request->target, said), {}};
    case Kind::Tcp:
        // RFC 4254 5.1: 1 is SSH_OPEN_ADMINISTRATIVELY_PROHIBITED; libssh tells the number in its sentence alone.
        if (said.find("error (1)") != std::string::npos)
            return Error{
                ErrorCode::NotPermitted,
                fmt::format("the host forbids forwarding to {} port {}; its sshd_config has to have AllowTcpForwarding yes (or local), "
                            "and PermitOpen must not exclude it",
                            m_request->target, m_request->port),
                {}};
        return Error{
            ErrorCode::Unreachable, fmt::format("the host cannot connect to {} port {}: {}", m_request->target, m_request->port, said), {}};
    case Kind::Sftp:
        return Error{
            ErrorCode::Unsupported, fmt::format("the host has no SFTP server: {}; its sshd_config needs Subsystem sftp", said), {}};
    case Kind::Command:
        break;
    }
    return Error{ErrorCode::Unreachable, fmt::format("the host runs no command for us: {}", said), {}};
}

/// From the host to the local end. What the local end does not take stays with the host once the window is used up.
void SshChannel::carryDown()
{
    m_down.bytes.resize(kChunk);
    for (int turn = 0;; ++turn) {
        if (turn == kChunksATurn) {
            m_hasMore = true;
            break;
        }
        if (m_down.isEmpty()) {
            const int count = ::ssh_channel_read_nonblocking(m_channel, m_down.bytes.data(), kChunk, 0);
            m_down.begin = 0;
            m_down.end = static_cast<std::size_t>(std::max(count, 0));
            if (count <= 0) {
                m_isRemoteEnded = m_isRemoteEnded || (count < 0 && count != SSH_AGAIN) || ::ssh_channel_is_eof(m_channel) != 0;
                break;
            }
        }
        if (m_isLocalGone) { // nobody reads it
            m_down.begin = m_down.end;
            continue;
        }
        const ssize_t sent = ::send(m_local.get(), m_down.data(), m_down.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            m_isLocalGone = errno != EINTR;
        else
            m_down.begin += static_cast<std::size_t>(sent);
    }
    if (m_isRemoteEnded && m_down.isEmpty() && !m_isEndPassedOn && !m_isLocalGone) {
        (void)::shutdown(m_local.get(), SHUT_WR);
        m_isEndPassedOn = true;
    }
}

/// True: there may be more.
bool SshChannel::readErrors()
{
    char buffer[32 * 1024];
    const int count = ::ssh_channel_read_nonblocking(m_channel, buffer, sizeof buffer, 1);
    if (count <= 0)
        return false;
    const std::size_t room = kMostCommandOutput - std::min(kMostCommandOutput, m_end.errors.size());
    m_end.isCut = m_end.isCut || static_cast<std::size_t>(count) > room;
    m_end.errors.append(buffer, std::min(room, static_cast<std::size_t>(count)));
    return true;
}

/// From the local end to the host, no more than the host has room for and the connection takes: what is left stays with the local end.
void SshChannel::carryUp()
{
    m_up.bytes.resize(kChunk);
    for (int turn = 0;; ++turn) {
        if (turn == kChunksATurn) {
            m_hasMore = true;
            break;
        }
        if (m_up.isEmpty()) {
            const std::size_t window = ::ssh_channel_window_size(m_channel);
            if (m_isLocalEnded || window == 0 || (::ssh_get_poll_flags(m_session) & SSH_WRITE_PENDING) != 0)
                break;
            const ssize_t count = ::recv(m_local.get(), m_up.bytes.data(), std::min(window, kChunk), MSG_DONTWAIT);
            m_isLocalEnded = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
            m_up.begin = 0;
            m_up.end = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
            if (count <= 0)
                break;
        }
        const int sent = ::ssh_channel_write(m_channel, m_up.data(), static_cast<std::uint32_t>(m_up.size()));
        if (sent < 0) { // the host has closed the channel
            m_isRemoteEnded = true;
            m_isLocalEnded = true;
            m_up.begin = m_up.end;
            return;
        }
        m_up.begin += static_cast<std::size_t>(sent);
        if (sent == 0)
            return;
    }
    if (m_isLocalEnded && m_up.isEmpty() && !m_isEndSent && !m_isRemoteEnded) {
        (void)::ssh_channel_send_eof(m_channel);
        m_isEndSent = true;
    }
}

bool SshChannel::isOver() const
{
    if (m_isLocalGone && m_isLocalEnded && m_up.isEmpty())
        return true;
    if (!m_isRemoteEnded || !m_down.isEmpty())
        return false;
    // A command tells its exit status behind the end of what it writes; a stream has ended when both sides have.
    if (::ssh_channel_is_closed(m_channel) != 0)
        return true;
    return m_request->kind != SshChannelRequest::Kind::Command && m_isLocalEnded && m_up.isEmpty();
}

} // namespace gantry::app
