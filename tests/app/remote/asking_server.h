#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace gantry::test {

/// An SSH server in this process that lets in by what a person knows, which the tests' sshd cannot ask for without the system's passwords.
/// Serves one connection after the other; opens no channel.
class AskingServer
{
public:
    struct Prompt
    {
        std::string text;
        bool isShown = false;
        std::string expected;
    };
    struct Behaviour
    {
        std::string password;        ///< empty: none is taken
        std::string instruction;     ///< before the prompts
        std::vector<Prompt> prompts; ///< empty: nothing is asked interactively
        bool wantsBoth = false;      ///< the password and the prompts
        int mostTries = 0;           ///< wrong answers after which it hangs up instead of refusing, as MaxAuthTries of OpenSSH; 0: none
    };

    explicit AskingServer(Behaviour behaviour);
    AskingServer(const AskingServer&) = delete;
    AskingServer& operator=(const AskingServer&) = delete;
    ~AskingServer();

    [[nodiscard]] int port() const;
    /// As known_hosts has it: "ssh-ed25519 BASE64".
    [[nodiscard]] std::string hostKey() const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::test
