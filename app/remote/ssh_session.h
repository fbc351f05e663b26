#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_config.h"
#include "app/remote/ssh_prompter.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// How a command on the host ended, and what it wrote.
struct SshCommandResult
{
    int exitStatus = -1;  ///< -1: by a signal, or the host did not say
    std::string out, err; ///< at most kMostCommandOutput bytes of each are kept
    bool isCut = false;   ///< more was written
};
inline constexpr std::size_t kMostCommandOutput = 1 << 20;

/// One SSH connection. A thread of its own owns it: it connects, asks, and then carries bytes between the channels and local sockets, so
/// that whoever uses one deals with an ordinary file descriptor, and a slow or dead host blocks nobody. Nothing is kept beyond what the
/// windows of SSH allow (about 2 MiB a channel and direction).
///
/// All calls are for any thread. They block until the host has answered, end with Cancelled when `stop` is asked for, and with Unreachable
/// when the connection is gone. Descriptors stay valid then, and read as ended.
class SshSession
{
public:
    struct Route
    {
        SshHost host;
        std::shared_ptr<SshSession> via; ///< null: directly, or by the host's ProxyCommand
    };

    /// Blocks for all of it. `prompter` and `onStep` are used until this returns, on another thread. Errors are sentences with the next
    /// step.
    [[nodiscard]] static Result<std::shared_ptr<SshSession>> connect(Route route, SshPrompter& prompter, OnConnectStep onStep,
                                                                     std::stop_token stop);
    SshSession(const SshSession&) = delete;
    SshSession& operator=(const SshSession&) = delete;
    /// Ends the connection with its channels; what was written to their descriptors before they were closed is sent first where that does
    /// not need the host to answer.
    ~SshSession();

    [[nodiscard]] const SshHost& host() const;
    [[nodiscard]] bool isConnected() const;

    /// A stream to a unix socket on the host (direct-streamlocal@openssh.com). Errors: Unreachable when nobody listens there or the host
    /// does not allow it, which it does not tell apart.
    [[nodiscard]] Result<UniqueFd> openUnixSocket(const std::string& path, std::stop_token stop);
    /// A stream to a TCP port as the host sees it (direct-tcpip). Errors: NotPermitted when the host forbids it, Unreachable.
    [[nodiscard]] Result<UniqueFd> openTcp(const std::string& address, std::uint16_t port, std::stop_token stop);
    /// The host's SFTP server. Errors: Unsupported when it has none.
    [[nodiscard]] Result<UniqueFd> openSftp(std::stop_token stop);

    /// Runs argv by way of the user's shell there, with `input` as its standard input, to its end.
    [[nodiscard]] Result<SshCommandResult> run(const std::vector<std::string>& argv, std::string_view input, std::stop_token stop);

private:
    class Impl;
    explicit SshSession(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

/// Connects to `wanted` over as many hosts as the configuration's ProxyJump says; those in between live as long as the last one. Errors:
/// those of the configuration and of each host, with the host in their context.
[[nodiscard]] Result<std::shared_ptr<SshSession>> connectSsh(const SshConfigPlaces& places, const SshHop& wanted, SshPrompter& prompter,
                                                             const OnConnectStep& onStep, std::stop_token stop);

} // namespace gantry::app
