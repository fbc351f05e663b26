#pragma once

#include "app/remote/secret.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

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

/// Whether the answer is good for the next time: a passphrase, a password, and what reads like the question for one; not a code that is
/// good once.
[[nodiscard]] bool isWorthRemembering(const SecretQuestion& question);

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
    /// Something worth knowing that keeps nobody from going on: a setting of the configuration that Gantry does not follow.
    virtual void note(const std::string& sentence) { (void)sentence; }
};

/// Nobody is there: every question is refused with what to do instead.
class NobodyToAsk : public SshPrompter
{
public:
    [[nodiscard]] Result<bool> acceptHostKey(const HostKeyQuestion& question, std::stop_token stop) override;
    [[nodiscard]] Result<Secret> secret(const SecretQuestion& question, std::stop_token stop) override;
};

/// Passphrases and passwords that were given, for as long as it lives. Any thread.
class SecretMemory
{
public:
    [[nodiscard]] std::optional<Secret> find(const std::string& key) const;
    void remember(const std::string& key, const Secret& secret);
    void forget(const std::string& key);
    void forgetAll();

private:
    mutable std::mutex m_mutex;
    std::map<std::string, Secret> m_secrets; ///< m_mutex
};

/// Asks once: passphrases and passwords are remembered, in memory, for the next session to the same host. An answer that was wrong is
/// forgotten. What a host asks interactively is remembered only while it reads like a password: a code is good once.
class RememberingPrompter : public SshPrompter
{
public:
    explicit RememberingPrompter(SshPrompter& person, std::shared_ptr<SecretMemory> memory = std::make_shared<SecretMemory>())
        : m_person(person), m_memory(std::move(memory))
    {
    }

    [[nodiscard]] Result<bool> acceptHostKey(const HostKeyQuestion& question, std::stop_token stop) override;
    [[nodiscard]] Result<Secret> secret(const SecretQuestion& question, std::stop_token stop) override;
    void note(const std::string& sentence) override { m_person.note(sentence); }

private:
    SshPrompter& m_person;
    std::shared_ptr<SecretMemory> m_memory;
};

} // namespace gantry::app
