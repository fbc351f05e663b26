#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_config.h"
#include "app/remote/ssh_handles.h"
#include "app/remote/ssh_prompter.h"
#include "trace_model/base/result.h"

#include <stop_token>

namespace gantry::app {

/// What one connection's first steps need, for all of them.
struct SshHandshake
{
    ssh_session session = nullptr; ///< in blocking mode
    const SshHost& host;
    SshPrompter& prompter;
    const OnConnectStep& onStep;
    std::stop_token stop;

    /// Of a call that failed: Cancelled when that was asked for, else the code and the sentence with libssh's words in it.
    [[nodiscard]] Error failure(ErrorCode code, const std::string& sentence, const std::string& hint) const;
};

/// Options of a session on `socket`, which it then owns, so that libssh reads no file and asks nobody by itself: host keys are checked by
/// checkHostKey() alone, whatever the configuration says of StrictHostKeyChecking.
[[nodiscard]] Result<void> prepareSession(ssh_session session, const SshHost& host, int socket);

/// Key exchange. Errors: Unreachable with what each side offers.
[[nodiscard]] Result<void> exchangeKeys(const SshHandshake& handshake);

/// The host's key against known_hosts; one that is not known is asked about and, if accepted, kept. Errors: NotPermitted for a key that has
/// changed, is of another type than those known, is revoked or was not accepted; CannotWrite when it cannot be kept.
[[nodiscard]] Result<void> checkHostKey(const SshHandshake& handshake);

/// Agent, key files (with certificates), what the host asks interactively, password; as many of them as the host wants. Errors:
/// NotPermitted with what was tried.
[[nodiscard]] Result<void> authenticate(const SshHandshake& handshake);

} // namespace gantry::app
