#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_config.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <sys/types.h>

namespace gantry::app {

/// Connects to the host, address after address; the socket does not block, has TCP_NODELAY, and gives up a peer that is silent for 30 s
/// while something is on its way. Blocks; ends at once with Cancelled when `stop` is asked for, also while the name is looked up. Errors:
/// Unreachable with what the system said and what to look at.
[[nodiscard]] Result<UniqueFd> connectTcp(const SshHost& host, const OnConnectStep& onStep, std::stop_token stop);

/// A ProxyCommand of the configuration, run by the user's shell as ssh(1) does: its standard input and output are the connection. Ended
/// with this object.
class ProxyProcess
{
public:
    /// Errors: Unreachable when there is no shell to start.
    [[nodiscard]] static Result<std::unique_ptr<ProxyProcess>> start(const std::string& command);
    ProxyProcess(const ProxyProcess&) = delete;
    ProxyProcess& operator=(const ProxyProcess&) = delete;
    ~ProxyProcess();

    /// Our end of its input and output; does not block. Once.
    [[nodiscard]] UniqueFd takeSocket() { return std::move(m_socket); }
    /// The last of what it has written to standard error so far, on one line; may be empty.
    [[nodiscard]] std::string complaint() const;

private:
    ProxyProcess() = default;

    pid_t m_pid = -1;
    UniqueFd m_socket, m_errors;
};

/// Two connected stream sockets, non-blocking, closed on exec.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> streamPair();

} // namespace gantry::app
