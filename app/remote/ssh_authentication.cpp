#include "app/remote/ssh_handshake.h"

#include "app/remote/ssh_agent_filter.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::app {

namespace {

constexpr int kMostAttempts = 3;              // as ssh(1), NumberOfPasswordPrompts
constexpr int kMostMethods = 5;               // that a host may want, one after the other
constexpr long kPersonTimeoutS = 180;         // of the host while it waits for a person, as for a push to a phone
constexpr std::size_t kMostPromptBytes = 400; // of the host's words that are shown

/// PEM and OpenSSH's format begin alike; anything else is not worth asking a passphrase for.
bool isPrivateKey(const std::string& file)
{
    std::ifstream stream(file);
    std::string line;
    return std::getline(stream, line) && line.starts_with("-----BEGIN ") && line.find("PRIVATE KEY-----") != std::string::npos;
}

/// How one method ended.
enum class Outcome
{
    In,      ///< authenticated
    GoOn,    ///< accepted, and the host wants another method too
    Refused, ///< this one, or there was nothing to offer
};

/// The ways in, one after the other, and what became of each for the sentence at the end.
class Authentication
{
public:
    explicit Authentication(const SshHandshake& handshake) : m_handshake(handshake), m_session(handshake.session), m_host(handshake.host) {}

    Result<void> run()
    {
        // Hosts tell their methods only in answer to an attempt.
        int rc = ::ssh_userauth_none(m_session, nullptr);
        while (rc != SSH_AUTH_SUCCESS) {
            if (rc == SSH_AUTH_ERROR)
                return m_handshake.failure(ErrorCode::Unreachable, fmt::format("{} ended the connection", m_host.text()), hintForEnd());
            if (m_handshake.stop.stop_requested())
                return m_handshake.failure(ErrorCode::Cancelled, "", "");
            GANTRY_TRY(const Outcome outcome, tryMethods(::ssh_userauth_list(m_session, nullptr)));
            if (outcome == Outcome::In)
                return {};
            if (outcome == Outcome::Refused || ++m_accepted == kMostMethods)
                return refusal();
            // What the host refused before it accepted this one it may want now.
            m_areKeysSpent = m_isInteractiveSpent = m_isPasswordSpent = false;
            m_wasAnswered = false;
            rc = SSH_AUTH_PARTIAL;
        }
        return {};
    }

private:
    using Method = Result<Outcome> (Authentication::*)();

    /// One of the methods that the host takes now. After one that it accepted it may want another: then it is asked again.
    Result<Outcome> tryMethods(int methods)
    {
        struct Way
        {
            int flag;
            bool isWanted;
            bool& isSpent;
            Method method;
            const char* name;
        };
        const Way ways[] = {
            {SSH_AUTH_METHOD_PUBLICKEY, m_host.usesPublicKeys, m_areKeysSpent, &Authentication::tryKeys, "publickey"},
            {SSH_AUTH_METHOD_INTERACTIVE, m_host.usesKeyboardInteractive, m_isInteractiveSpent, &Authentication::tryInteractive,
             "keyboard-interactive"},
            {SSH_AUTH_METHOD_PASSWORD, m_host.usesPasswords, m_isPasswordSpent, &Authentication::tryPassword, "password"},
        };
        m_offered.clear();
        for (const Way& way : ways)
            if ((methods & way.flag) != 0)
                m_offered += (m_offered.empty() ? "" : ", ") + std::string(way.name);
        for (const Way& way : ways) {
            if ((methods & way.flag) == 0 || !way.isWanted || way.isSpent)
                continue;
            way.isSpent = true;
            GANTRY_TRY(const Outcome outcome, (this->*way.method)());
            if (outcome != Outcome::Refused)
                return outcome;
        }
        return Outcome::Refused;
    }

    [[nodiscard]] Result<Outcome> outcomeOf(int rc) const
    {
        switch (rc) {
        case SSH_AUTH_SUCCESS:
            return Outcome::In;
        case SSH_AUTH_PARTIAL:
            return Outcome::GoOn;
        case SSH_AUTH_DENIED:
            return Outcome::Refused;
        default:
            break;
        }
        // A host that has seen enough wrong answers says so by hanging up. Given again, the same answer may lock the account.
        if (m_wasAnswered)
            return m_handshake.failure(ErrorCode::NotPermitted,
                                       fmt::format("{} ended the connection after the answer of {}", m_host.text(), m_host.user),
                                       "the answer was wrong, there were too many attempts, or it came too late");
        return m_handshake.failure(ErrorCode::Unreachable, fmt::format("{} ended the connection while we logged in", m_host.text()),
                                   hintForEnd());
    }

    [[nodiscard]] std::string hintForEnd() const
    {
        return m_tried.empty()
                   ? "its log (journalctl -u ssh) says why"
                   : "a host ends it after too many keys: name the right one with IdentityFile and IdentitiesOnly in ~/.ssh/config";
    }

    [[nodiscard]] Error refusal() const
    {
        std::string tried;
        for (const std::string& part : m_tried)
            tried += (tried.empty() ? "" : ", ") + part;
        return Error{
            ErrorCode::NotPermitted,
            fmt::format("{} does not let {} in: it takes {}; tried: {}; give it a key with `ssh-copy-id`, or name the right one with "
                        "IdentityFile in ~/.ssh/config",
                        m_host.text(), m_host.user, m_offered.empty() ? "nothing that Gantry has" : m_offered,
                        tried.empty() ? "nothing, for there is no key and no agent" : tried),
            {}};
    }

    Result<Outcome> tryKeys()
    {
        GANTRY_TRY(const Outcome byAgent, tryAgent());
        if (byAgent != Outcome::Refused)
            return byAgent;
        for (const std::string& file : m_host.identityFiles) {
            GANTRY_TRY(const Outcome outcome, tryKeyFile(file));
            if (outcome != Outcome::Refused)
                return outcome;
        }
        return Outcome::Refused;
    }

    Result<Outcome> tryAgent()
    {
        if (m_host.identityAgent.empty())
            return Outcome::Refused;
        std::vector<std::string> wanted;
        for (const std::string& file : m_host.identityFiles)
            if (std::string blob = blobOf(publicHalf(file).get()); !blob.empty())
                wanted.push_back(std::move(blob));
        m_agent.reset();
        Result<std::unique_ptr<SshAgentFilter>> agent =
            SshAgentFilter::start(m_host.identityAgent, std::move(wanted), m_host.identitiesOnly);
        if (!agent) { // an agent that is not there is no reason to end
            m_tried.push_back(agent.error().message);
            return Outcome::Refused;
        }
        m_agent = std::move(*agent);
        m_handshake.onStep(ConnectStep::Authenticate, "agent");
        m_tried.push_back("the agent");
        if (::ssh_set_agent_socket(m_session, m_agent->socket()) != SSH_OK)
            return Outcome::Refused;
        const int rc = ::ssh_userauth_agent(m_session, nullptr);
        // An agent that breaks off is reported as an error like a connection that ended, and is none.
        if (rc == SSH_AUTH_ERROR && ::ssh_is_connected(m_session) != 0)
            return Outcome::Refused;
        return outcomeOf(rc);
    }

    /// As the agent has it; empty: none.
    static std::string blobOf(ssh_key key)
    {
        char* text = nullptr;
        if (!key || ::ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
            return {};
        const SshText owner(text);
        return base64Decoded(text).value_or(std::string());
    }

    Result<Outcome> tryKeyFile(const std::string& file)
    {
        struct stat status
        {
        };
        if (::stat(file.c_str(), &status) != 0) {
            if (m_host.identitiesAreNamed)
                m_tried.push_back(fmt::format("{} ({})", file, std::strerror(errno)));
            return Outcome::Refused;
        }
        if (status.st_uid == ::getuid() && (status.st_mode & 0077) != 0) {
            m_tried.push_back(fmt::format("{} (others can read it: `chmod 600` it)", file));
            return Outcome::Refused;
        }
        m_handshake.onStep(ConnectStep::Authenticate, file);
        m_tried.push_back(file);
        const SshKeyHandle publicKey = publicHalf(file);
        for (const SshKeyHandle& certificate : certificatesOf(file)) {
            GANTRY_TRY(const Outcome outcome, offer(file, publicKey.get(), certificate.get()));
            if (outcome != Outcome::Refused)
                return outcome;
        }
        return offer(file, publicKey.get(), nullptr);
    }

    /// Shows the public half first, so that no passphrase is asked for in vain; a file that keeps it with the private one needs that
    /// anyway.
    Result<Outcome> offer(const std::string& file, ssh_key publicKey, ssh_key certificate)
    {
        if (ssh_key const shown = certificate ? certificate : publicKey; shown) {
            GANTRY_TRY(const Outcome wanted, outcomeOf(::ssh_userauth_try_publickey(m_session, nullptr, shown)));
            if (wanted != Outcome::In)
                return wanted;
        }
        GANTRY_TRY(const SshKeyHandle privateKey, privateHalf(file));
        if (!privateKey)
            return Outcome::Refused;
        if (certificate && ::ssh_pki_copy_cert_to_privkey(certificate, privateKey.get()) != SSH_OK)
            return Outcome::Refused;
        return outcomeOf(::ssh_userauth_publickey(m_session, nullptr, privateKey.get()));
    }

    static SshKeyHandle publicHalf(const std::string& file)
    {
        // From FILE.pub, or from the private file itself, whose public half OpenSSH's format keeps in the clear.
        for (const std::string& path : {file + ".pub", file}) {
            ssh_key key = nullptr;
            if (::ssh_pki_import_pubkey_file(path.c_str(), &key) == SSH_OK)
                return SshKeyHandle(key);
        }
        return nullptr;
    }

    [[nodiscard]] std::vector<SshKeyHandle> certificatesOf(const std::string& file) const
    {
        std::vector<std::string> paths = m_host.certificateFiles;
        paths.push_back(file + "-cert.pub");
        std::vector<SshKeyHandle> certificates;
        for (const std::string& path : paths) {
            ssh_key key = nullptr;
            if (::access(path.c_str(), R_OK) == 0 && ::ssh_pki_import_cert_file(path.c_str(), &key) == SSH_OK)
                certificates.emplace_back(key);
        }
        return certificates;
    }

    /// Null: the file holds no key that can be used, as m_tried then says.
    Result<SshKeyHandle> privateHalf(const std::string& file)
    {
        ssh_key key = nullptr;
        if (::ssh_pki_import_privkey_file(file.c_str(), nullptr, nullptr, nullptr, &key) == SSH_OK)
            return SshKeyHandle(key);
        if (!isPrivateKey(file)) {
            m_tried.back() += " (holds no private key)";
            return SshKeyHandle();
        }
        SecretQuestion question;
        question.kind = SecretQuestion::Kind::Passphrase;
        question.host = m_host.text();
        question.user = m_host.user;
        question.file = file;
        for (; question.attempt <= kMostAttempts; ++question.attempt) {
            GANTRY_TRY(const Secret passphrase, m_handshake.prompter.secret(question, m_handshake.stop));
            if (passphrase.isEmpty())
                break;
            if (::ssh_pki_import_privkey_file(file.c_str(), passphrase.cString(), nullptr, nullptr, &key) == SSH_OK)
                return SshKeyHandle(key);
        }
        m_tried.back() += " (not with this passphrase)";
        return SshKeyHandle();
    }

    Result<Outcome> tryPassword()
    {
        SecretQuestion question;
        question.kind = SecretQuestion::Kind::Password;
        question.host = m_host.text();
        question.user = m_host.user;
        m_tried.push_back("a password");
        for (; question.attempt <= kMostAttempts; ++question.attempt) {
            m_handshake.onStep(ConnectStep::Authenticate, "password");
            GANTRY_TRY(const Secret password, m_handshake.prompter.secret(question, m_handshake.stop));
            if (password.isEmpty())
                break;
            waitForPerson();
            m_wasAnswered = true;
            GANTRY_TRY(const Outcome outcome, outcomeOf(::ssh_userauth_password(m_session, nullptr, password.cString())));
            if (outcome != Outcome::Refused)
                return outcome;
        }
        return Outcome::Refused;
    }

    Result<Outcome> tryInteractive()
    {
        m_tried.push_back("keyboard-interactive");
        for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
            m_handshake.onStep(ConnectStep::Authenticate, "keyboard-interactive");
            waitForPerson();
            bool wasAsked = false;
            int rc = ::ssh_userauth_kbdint(m_session, nullptr, nullptr);
            while (rc == SSH_AUTH_INFO) {
                GANTRY_TRY(const bool isAnswered, answerPrompts(attempt, wasAsked));
                if (!isAnswered)
                    return Outcome::Refused;
                rc = ::ssh_userauth_kbdint(m_session, nullptr, nullptr);
            }
            GANTRY_TRY(const Outcome outcome, outcomeOf(rc));
            if (outcome != Outcome::Refused || !wasAsked)
                return outcome;
        }
        return Outcome::Refused;
    }

    /// One round of questions, of which a host may ask none at all. False: the person gave no answer.
    Result<bool> answerPrompts(int attempt, bool& wasAsked)
    {
        const auto words = [](const char* text) { return std::string(text ? text : "").substr(0, kMostPromptBytes); };
        SecretQuestion question;
        question.kind = SecretQuestion::Kind::Interactive;
        question.host = m_host.text();
        question.user = m_host.user;
        question.attempt = attempt;
        question.instruction = words(::ssh_userauth_kbdint_getinstruction(m_session));
        const int count = ::ssh_userauth_kbdint_getnprompts(m_session);
        for (int i = 0; i < count; ++i) {
            char isShown = 0;
            question.prompt = words(::ssh_userauth_kbdint_getprompt(m_session, static_cast<unsigned>(i), &isShown));
            question.isShown = isShown != 0;
            GANTRY_TRY(const Secret answer, m_handshake.prompter.secret(question, m_handshake.stop));
            wasAsked = m_wasAnswered = true;
            if (::ssh_userauth_kbdint_setanswer(m_session, static_cast<unsigned>(i), answer.cString()) != 0)
                return false;
        }
        return true;
    }

    void waitForPerson()
    {
        const long timeout = kPersonTimeoutS;
        (void)::ssh_options_set(m_session, SSH_OPTIONS_TIMEOUT, &timeout);
    }

    const SshHandshake& m_handshake;
    ssh_session m_session;
    const SshHost& m_host;
    bool m_areKeysSpent = false, m_isInteractiveSpent = false, m_isPasswordSpent = false;
    std::unique_ptr<SshAgentFilter> m_agent;
    int m_accepted = 0;         ///< methods
    bool m_wasAnswered = false; ///< a password, or what the host asked, was given to the host, which has not accepted it
    std::string m_offered;
    std::vector<std::string> m_tried;
};

} // namespace

Result<void> authenticate(const SshHandshake& handshake)
{
    handshake.onStep(ConnectStep::Authenticate, handshake.host.user);
    return Authentication(handshake).run();
}

} // namespace gantry::app
