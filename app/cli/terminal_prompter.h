#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_prompter.h"

#include <mutex>
#include <set>
#include <string>

namespace gantry::cli {

/// Asks on the terminal of this process (/dev/tty), whatever standard input and output are. Secrets are not shown while they are typed;
/// Ctrl-C and Ctrl-D end the question with Cancelled and leave the terminal as it was. Without a terminal every question is refused with
/// what to do instead.
class TerminalPrompter : public app::SshPrompter
{
public:
    [[nodiscard]] Result<bool> acceptHostKey(const app::HostKeyQuestion& question, std::stop_token stop) override;
    [[nodiscard]] Result<app::Secret> secret(const app::SecretQuestion& question, std::stop_token stop) override;

    /// On standard error, each sentence once, whether there is a terminal or not.
    void note(const std::string& sentence) override;

private:
    std::mutex m_mutex;
    std::set<std::string> m_noted; ///< m_mutex
    app::NobodyToAsk m_nobody;
};

} // namespace gantry::cli
