#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_node.h"
#include "app/remote/ssh_session.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <stop_token>
#include <string>

namespace gantry::app {

/// Puts the node bundle into ~/.cache/gantry/VERSION-HASH of the host, unless it is there: over SFTP, continued where an earlier attempt
/// was cut, checked by its SHA-256 there, unpacked beside and moved into place whole, so that two who do it at once do not meet. Needs tar
/// and sha256sum there and, to be quick, zstd or gzip; no root, compiler or network. Then removes folders of versions that nothing has used for a day.
/// Value: the folder. Errors: Unsupported for a machine that the bundle does not run on, CannotWrite, those of the connection.
[[nodiscard]] Result<std::string> installNodeBundle(SshSession& session, const SshNodeFacts& facts, const std::filesystem::path& bundle,
                                                    const OnConnectStep& onStep, std::stop_token stop);

/// Where a gantryd that was started listens.
struct StartedNode
{
    std::string socket;
    std::string tcp, token; ///< instead of a socket
};

/// Starts gantryd of a folder of installNodeBundle(), so that it outlives the connection, with its socket in a folder of this user and
/// version alone; or finds the one that listens there already. It ends by itself when nobody has used it for a while. `byTcp`: on a free
/// port of the host's loopback with a token, for hosts that forbid to forward to sockets. Errors: Unreachable with the last line of its
/// log.
[[nodiscard]] Result<StartedNode> startNode(SshSession& session, const SshNodeFacts& facts, const std::string& folder, bool byTcp,
                                            const OnConnectStep& onStep, std::stop_token stop);

} // namespace gantry::app
