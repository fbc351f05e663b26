#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace gantry::app {

/// Stands between libssh and the agent, so that libssh, which offers every key of an agent in its order, offers those of the
/// configuration's IdentityFile first, or alone with IdentitiesOnly: hosts end a connection after a few keys that they do not know. All
/// else passes as it is. A thread of its own; ends with this object, also while the agent waits for a person.
class SshAgentFilter
{
public:
    /// `wanted`: blobs of public keys. Errors: Unreachable when no agent listens there.
    [[nodiscard]] static Result<std::unique_ptr<SshAgentFilter>> start(const std::string& agentSocket, std::vector<std::string> wanted,
                                                                       bool onlyWanted);
    SshAgentFilter(const SshAgentFilter&) = delete;
    SshAgentFilter& operator=(const SshAgentFilter&) = delete;
    ~SshAgentFilter();

    /// The socket that libssh is to take for the agent's, for as long as this object is there.
    [[nodiscard]] int socket() const { return m_theirs.get(); }

private:
    SshAgentFilter() = default;
    void relay() const;

    UniqueFd m_agent, m_ours, m_theirs;
    std::vector<std::string> m_wanted;
    bool m_onlyWanted = false;
    std::jthread m_thread;
};

/// The agent's list of keys (SSH_AGENT_IDENTITIES_ANSWER of draft-miller-ssh-agent, without its length) with the wanted ones first, or
/// alone. An answer that cannot be read is left as it is.
[[nodiscard]] std::string orderedIdentities(const std::string& answer, const std::vector<std::string>& wanted, bool onlyWanted);

} // namespace gantry::app
