#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <condition_variable>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::app {

/// A channel that somebody wants, and what became of it. Shared by the caller, who waits, and the session's thread, which opens it.
class SshChannelRequest
{
public:
    enum class Kind
    {
        UnixSocket,
        Tcp,
        Command,
        Sftp
    };
    Kind kind = Kind::UnixSocket;
    std::string target; ///< path, address or command line
    int port = 0;

    /// Our end of the channel; blocks. Errors: of opening, Cancelled.
    [[nodiscard]] Result<UniqueFd> wait(std::stop_token stop);
    void complete(Result<UniqueFd> result);
    [[nodiscard]] bool isAbandoned() const;

    // Of a Command, once its channel has ended.
    struct End
    {
        int exitStatus = -1;
        std::string errors; ///< standard error, at most kMostCommandOutput bytes
        bool isCut = false;
    };
    [[nodiscard]] Result<End> waitForEnd(std::stop_token stop);
    void end(End end);

private:
    mutable std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::optional<Result<UniqueFd>> m_result; ///< m_mutex
    std::optional<End> m_end;                 ///< m_mutex
    bool m_isAbandoned = false;               ///< m_mutex
};

/// One channel and the local socket that it is carried to and from. Of the session's thread.
class SshChannel
{
public:
    /// `session` is in non-blocking mode.
    SshChannel(ssh_session session, std::shared_ptr<SshChannelRequest> request);
    SshChannel(const SshChannel&) = delete;
    SshChannel& operator=(const SshChannel&) = delete;
    ~SshChannel();

    /// What to wait for on the local socket; fd -1: nothing.
    [[nodiscard]] pollfd waitsFor(bool isSessionFull) const;
    /// Moves what can be moved. False: it has ended and can go.
    [[nodiscard]] bool advance(short localEvents);
    /// There is more to move, or came while another channel was served: libssh reads for all of them whenever it reads.
    [[nodiscard]] bool hasMore() const { return m_hasMore; }
    /// The host has not answered yet; its answer can come while another channel is served, and then nothing tells.
    [[nodiscard]] bool isOpening() const { return !m_isOpen; }
    /// The session is gone: whoever waits is told why.
    void fail(const Error& error);

private:
    [[nodiscard]] bool open();
    [[nodiscard]] int request();
    [[nodiscard]] Error openError() const;
    void carryDown();
    [[nodiscard]] bool readErrors();
    void watchForNews();
    void carryUp();
    [[nodiscard]] bool isOver() const;

    ssh_session m_session;
    ssh_channel m_channel;
    std::shared_ptr<SshChannelRequest> m_request;
    bool m_isAccepted = false; ///< the host has opened the channel
    bool m_isOpen = false;     ///< and does on it what was asked for
    UniqueFd m_local;
    /// Bytes on their way, at most kChunk.
    struct Held
    {
        std::vector<char> bytes;
        std::size_t begin = 0, end = 0;
        [[nodiscard]] bool isEmpty() const { return begin == end; }
        [[nodiscard]] const char* data() const { return bytes.data() + begin; }
        [[nodiscard]] std::size_t size() const { return end - begin; }
    };
    Held m_down; ///< from the host, not taken by the local end yet
    Held m_up;   ///< from the local end, not taken by libssh yet
    bool m_isRemoteEnded = false, m_isLocalEnded = false, m_isLocalGone = false, m_isEndSent = false, m_isEndPassedOn = false;
    bool m_hasMore = false;
    ssh_channel_callbacks_struct m_callbacks{};
    SshChannelRequest::End m_end;
};

} // namespace gantry::app
