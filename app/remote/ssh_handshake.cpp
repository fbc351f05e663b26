#include "app/remote/ssh_handshake.h"

#include "app/remote/ssh_known_hosts.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::app {

namespace {

constexpr long kAnswerTimeoutS = 30; // of the host, for each step of the key exchange
/// Of libssh 0.10, best first. Hosts are asked for a key of a type that is known of them before these.
constexpr const char* kHostKeyAlgorithms =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
/// AES in hardware is several times faster than the rest, and its GCM mode needs no MAC.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";

/// Every known type's algorithms first: a host with several keys then shows one that is known.
std::string orderedHostKeyAlgorithms(const SshHost& host, const std::vector<std::string>& knownTypes)
{
    std::vector<std::string> all = splitAtCommas(host.hostKeyAlgorithms.empty() ? kHostKeyAlgorithms : host.hostKeyAlgorithms);
    const auto isKnown = [&](const std::string& algorithm) {
        const std::string type = algorithm.starts_with("rsa-sha2-") ? "ssh-rsa" : algorithm;
        return std::find(knownTypes.begin(), knownTypes.end(), type) != knownTypes.end();
    };
    std::stable_partition(all.begin(), all.end(), isKnown);
    return fmt::format("{}", fmt::join(all, ","));
}

std::vector<std::string> knownHostsFiles(const SshHost& host)
{
    std::vector<std::string> files = host.userKnownHosts;
    files.insert(files.end(), host.globalKnownHosts.begin(), host.globalKnownHosts.end());
    return files;
}

Result<SshHostKey> hostKeyOf(const SshHandshake& handshake, std::string& fingerprint)
{
    ssh_key raw = nullptr;
    if (::ssh_get_server_publickey(handshake.session, &raw) != SSH_OK)
        return handshake.failure(ErrorCode::Unreachable, "the host showed no key", "");
    const SshKeyHandle key(raw);
    char* text = nullptr;
    unsigned char* hash = nullptr;
    std::size_t hashBytes = 0;
    if (::ssh_pki_export_pubkey_base64(key.get(), &text) != SSH_OK ||
        ::ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &hashBytes) != 0) {
        const SshText owner(text);
        return handshake.failure(ErrorCode::Internal, "the host's key cannot be read", "");
    }
    const SshText owner(text);
    const SshText shown(::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hashBytes));
    ::ssh_clean_pubkey_hash(&hash);
    fingerprint = shown ? shown.get() : "";
    const ssh_keytypes_e type = ::ssh_key_type(key.get());
    const char* const typeName = type == SSH_KEYTYPE_ECDSA ? ::ssh_pki_key_ecdsa_name(key.get()) : ::ssh_key_type_to_char(type);
    return SshHostKey{typeName ? typeName : "", text};
}

/// A key that must not be trusted: what happened, what it can mean, and the line that has to go if all is well.
Error refused(const SshHost& host, const SshHostKeyVerdict& verdict, const SshHostKey& key, const std::string& fingerprint)
{
    const std::string line = fmt::format("{} line {}", verdict.file.string(), verdict.line);
    const std::string remove = fmt::format("`ssh-keygen -R '{}' -f {}`", host.knownHostsName(), verdict.file.string());
    std::string text;
    if (verdict.kind == SshHostKeyVerdict::Kind::Changed)
        text = fmt::format(
            "the key of {} has changed: it shows {} {}, and {} has another. Somebody may be listening in, or the host was set up "
            "anew. Ask who runs it; if the new key is right, remove the old one with {}",
            host.text(), key.type, fingerprint, line, remove);
    else if (verdict.kind == SshHostKeyVerdict::Kind::OtherType)
        text = fmt::format(
            "{} shows a key of another type than the one that is known: {} {}, and {} has {}. Somebody may be listening in, or the "
            "host was set up anew. Ask who runs it; if the key is right, add it to the file, or remove the old one with {}",
            host.text(), key.type, fingerprint, line, verdict.knownType, remove);
    else
        text = fmt::format("the key of {} is revoked by {}: {} {} must not be trusted. Ask who runs the host for its new key", host.text(),
                           line, key.type, fingerprint);
    return Error{ErrorCode::NotPermitted, text, {}};
}

} // namespace

Error SshHandshake::failure(ErrorCode code, const std::string& sentence, const std::string& hint) const
{
    if (stop.stop_requested())
        return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
    const std::string said = ::ssh_get_error(session);
    return Error{code, fmt::format("{}{}{}{}{}", sentence, said.empty() ? "" : ": ", said, hint.empty() ? "" : "; ", hint), {}};
}

Result<void> prepareSession(ssh_session session, const SshHost& host, int socket)
{
    const int yes = 1;
    const bool no = false;
    const long timeout = kAnswerTimeoutS;
    const int quiet = SSH_LOG_NOLOG;
    const unsigned port = host.port;
    const SshKnownHosts known(knownHostsFiles(host));
    const std::string hostKeys = orderedHostKeyAlgorithms(host, known.keyTypes(host.knownHostsName()));
    const std::string ciphers = host.ciphers.empty() ? kCiphers : host.ciphers;
    struct Option
    {
        ssh_options_e name;
        const void* value;
        const char* what;
    };
    std::vector<Option> options = {
        {SSH_OPTIONS_PROCESS_CONFIG, &no, ""},
        {SSH_OPTIONS_LOG_VERBOSITY, &quiet, ""},
        {SSH_OPTIONS_HOST, host.hostName.c_str(), "HostName"},
        {SSH_OPTIONS_USER, host.user.c_str(), "User"},
        {SSH_OPTIONS_PORT, &port, "Port"},
        {SSH_OPTIONS_TIMEOUT, &timeout, ""},
        {SSH_OPTIONS_STRICTHOSTKEYCHECK, &yes, ""},
        {SSH_OPTIONS_KNOWNHOSTS, "/dev/null", ""},
        {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", ""},
        {SSH_OPTIONS_COMPRESSION, "no", ""},
        {SSH_OPTIONS_HOSTKEYS, hostKeys.c_str(), "HostKeyAlgorithms"},
        {SSH_OPTIONS_CIPHERS_C_S, ciphers.c_str(), "Ciphers"},
        {SSH_OPTIONS_CIPHERS_S_C, ciphers.c_str(), "Ciphers"},
        {SSH_OPTIONS_FD, &socket, ""},
    };
    if (!host.macs.empty()) {
        options.push_back({SSH_OPTIONS_HMAC_C_S, host.macs.c_str(), "MACs"});
        options.push_back({SSH_OPTIONS_HMAC_S_C, host.macs.c_str(), "MACs"});
    }
    if (!host.keyExchanges.empty())
        options.push_back({SSH_OPTIONS_KEY_EXCHANGE, host.keyExchanges.c_str(), "KexAlgorithms"});
    for (const Option& option : options)
        if (::ssh_options_set(session, option.name, option.value) < 0)
            return Error{
                ErrorCode::BadInput,
                fmt::format("{} of {} cannot be used: {}", *option.what ? option.what : "an option", host.text(), ::ssh_get_error(session)),
                {}};
    return {};
}

Result<void> exchangeKeys(const SshHandshake& handshake)
{
    if (::ssh_connect(handshake.session) == SSH_OK)
        return {};
    return handshake.failure(ErrorCode::Unreachable, fmt::format("no SSH connection to {}", handshake.host.text()),
                             "is it an sshd that listens there, and does it let this machine in?");
}

Result<void> checkHostKey(const SshHandshake& handshake)
{
    const SshHost& host = handshake.host;
    std::string fingerprint;
    GANTRY_TRY(const SshHostKey key, hostKeyOf(handshake, fingerprint));
    handshake.onStep(ConnectStep::HostKey, fmt::format("{} {}", key.type, fingerprint));
    const SshKnownHosts known(knownHostsFiles(host));
    GANTRY_TRY(const SshHostKeyVerdict verdict, known.check(host.knownHostsName(), key));
    if (verdict.kind == SshHostKeyVerdict::Kind::Known)
        return {};
    if (verdict.kind != SshHostKeyVerdict::Kind::Unknown)
        return refused(host, verdict, key, fingerprint);

    HostKeyQuestion question{host.text(), host.knownHostsName(), key.type, fingerprint, {}, verdict.hasAuthority};
    if (!host.userKnownHosts.empty())
        question.knownHostsFile = host.userKnownHosts.front();
    GANTRY_TRY(const bool isAccepted, handshake.prompter.acceptHostKey(question, handshake.stop));
    if (!isAccepted)
        return Error{ErrorCode::NotPermitted, fmt::format("the key of {} was not accepted", host.text()), {}};
    GANTRY_CHECK(SshKnownHosts(host.userKnownHosts).add(host.knownHostsName(), key, host.hashKnownHosts));
    return {};
}

} // namespace gantry::app
