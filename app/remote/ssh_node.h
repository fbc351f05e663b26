#pragma once

#include "app/remote/ssh_session.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::app {

/// What a host tells of itself: enough to find a gantryd there, or to start one. Everything in it comes from another machine.
struct SshNodeFacts
{
    std::string userId;             ///< digits
    std::string home;               ///< absolute; empty: the host says none
    std::string temporary = "/tmp"; ///< TMPDIR where it is one, and short enough for the path of a socket below it
    std::string system, machine;    ///< of uname(1): "Linux", "x86_64"
    std::string glibc;              ///< "2.36"; empty: another C library
    std::uint64_t freeBytes = 0;    ///< where home is
    bool hasTar = false, hasGzip = false, hasZstd = false, hasSha256 = false, hasSetsid = false;
    std::vector<std::string> sockets;  ///< of gantryd, that exist, best first: this version's own, then those of a gantryd somebody started
    std::vector<std::string> versions; ///< folders of node bundles under bundleFolder()

    /// Where node bundles are kept, a folder for each version.
    [[nodiscard]] std::string bundleFolder() const { return home + "/.cache/gantry"; }
    /// Where a gantryd that Gantry itself started keeps its socket: of this user and this version alone, and not in XDG_RUNTIME_DIR, which
    /// ends with the last login while gantryd goes on.
    [[nodiscard]] std::string stateFolder() const;
    [[nodiscard]] std::string ownSocket() const { return stateFolder() + "/gantryd.sock"; }
};

/// Asks the host with one command. Errors: Unreachable, Unsupported when it has no sh, BadInput for an answer that is none.
[[nodiscard]] Result<SshNodeFacts> readSshNodeFacts(SshSession& session, std::stop_token stop);

/// What the host's answer to the question says; for tests.
[[nodiscard]] Result<SshNodeFacts> parseSshNodeFacts(const std::string& answer);

} // namespace gantry::app
