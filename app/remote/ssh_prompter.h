#pragma once

#include "app/remote/secret.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

namespace gantry::app {

/// A host whose key nobody has accepted yet.
struct HostKeyQuestion
{
    std::string host;                     ///< SshHost::text()
    std::string name;                     ///< as known_hosts is to have it
    std::string keyType;                  ///< "ssh-ed25519"
    std::string fingerprint;              ///< "SHA256:…", as `ssh-keygen -lf` prints it on the host
    std::filesystem::path knownHostsFile; ///< that the key is added to if it is accepted
    bool hasAuthority = false;            ///< known_hosts names an authority for the host, which Gantry cannot check
};

/// Something only the person knows.
struct SecretQuestion
{
    enum class Kind
    {
        Passphrase, ///< of a key file
        Password,
        Interactive ///< what the host asks: a password, a code, …
    };
    Kind kind = Kind::Password;
    std::string host;        ///< SshHost::text()
    std::string user;        ///< at the host
    std::string file;        ///< Passphrase
    std::string prompt;      ///< Interactive: the host's words, untrusted
    std::string instruction; ///< Interactive: what the host says before it asks; may be empty, untrusted
    bool isShown = false;    ///< Interactive: the answer may be seen while it is typed
    int attempt = 1;         ///< 2 and more: the answer before was wrong
};

/// Who answers when a connection over SSH cannot go on without a person. Called on a thread of the connection, which waits; calls for one
/// connection come one after the other.
class SshPrompter
{
public:
    virtual ~SshPrompter() = default;

    /// True: the key is the host's, and is kept. Errors end the connecting with them.
    [[nodiscard]] virtual Result<bool> acceptHostKey(const HostKeyQuestion& question, std::stop_token stop) = 0;
    /// Errors: Cancelled, or what keeps the person from being asked.
    [[nodiscard]] virtual Result<Secret> secret(const SecretQuestion& question, std::stop_token stop) = 0;
};

/// Nobody is there: every question is refused with what to do instead.
class NobodyToAsk : public SshPrompter
{
public:
    [[nodiscard]] Result<bool> acceptHostKey(const HostKeyQuestion& question, std::stop_token stop) override;
    [[nodiscard]] Result<Secret> secret(const SecretQuestion& question, std::stop_token stop) override;
};

/// Asks once: passphrases and passwords are remembered, in memory, for the next session to the same host. An answer that was wrong is
/// forgotten. What a host asks interactively is remembered only while it reads like a password: a code is good once.
class RememberingPrompter : public SshPrompter
{
public:
    explicit RememberingPrompter(SshPrompter& person) : m_person(person) {}

    [[nodiscard]] Result<bool> acceptHostKey(const HostKeyQuestion& question, std::stop_token stop) override;
    [[nodiscard]] Result<Secret> secret(const SecretQuestion& question, std::stop_token stop) override;

private:
    SshPrompter& m_person;
    std::mutex m_mutex;
    std::map<std::string, Secret> m_secrets; ///< m_mutex
};

} // namespace gantry::app
