#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// One hop of a way to a node, as a person gives it: "[user@]host[:port]". Empty and 0: not given.
struct SshHop
{
    std::string host, user;
    std::uint16_t port = 0;

    /// With brackets around an IPv6 address. Errors: BadInput for what ssh(1) could mistake for an option or a shell for more than a name.
    [[nodiscard]] static Result<SshHop> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
};

/// How to reach and enter one host: what the configuration says, with ssh(1)'s defaults for what it does not. Paths are absolute, tokens
/// and
/// "~" are replaced.
struct SshHost
{
    std::string alias;    ///< as typed, which `Host` patterns match
    std::string hostName; ///< to connect to, lower case
    std::string user;
    std::uint16_t port = 22;
    std::vector<SshHop> jumps; ///< ProxyJump, nearest to us first; empty: none
    std::string proxyCommand;  ///< a shell's command line, of the configuration alone; empty: none
    std::vector<std::string> identityFiles;
    bool identitiesAreNamed = false; ///< IdentityFile is in the configuration: a key that is missing is worth a word
    std::vector<std::string> certificateFiles;
    bool identitiesOnly = false;                               ///< of the agent's keys only those of identityFiles
    std::string identityAgent;                                 ///< socket of the agent; empty: there is none
    std::string hostKeyAlias;                                  ///< under which known_hosts has the host; empty: hostName
    std::vector<std::string> userKnownHosts, globalKnownHosts; ///< files; new keys go to the first of the user's
    bool hashKnownHosts = false;
    bool usesPublicKeys = true, usesPasswords = true, usesKeyboardInteractive = true;
    std::optional<int> connectTimeoutSeconds;
    int addressFamily = 0; ///< AF_UNSPEC, AF_INET or AF_INET6
    // Comma separated, as libssh takes them; empty: its own. Lists that add to or take from a default ("+…", "-…", "^…") are notes.
    std::string ciphers, macs, keyExchanges, hostKeyAlgorithms;
    std::vector<std::string> notes; ///< what the configuration asks for and Gantry does not do, a sentence each

    /// "gpu-07", or "gpu-07 (10.0.0.7:2222)" where that says more.
    [[nodiscard]] std::string text() const;
    /// The name under which known_hosts has it: "host", or "[host]:port" for a port other than 22 (sshd(8), SSH_KNOWN_HOSTS).
    [[nodiscard]] std::string knownHostsName() const;
};

/// Where the configuration is read from, and who asks.
struct SshConfigPlaces
{
    std::filesystem::path userFile, systemFile; ///< empty: none is read; userFile must exist when `isUserFileRequired`
    bool isUserFileRequired = false;
    std::string home, localUser, localHost, agentSocket;
    std::string runtimeUserId;

    /// ~/.ssh/config and /etc/ssh/ssh_config of this user. `configFile` is used instead of both, as `ssh -F` does; "none": no file at all.
    [[nodiscard]] static SshConfigPlaces ofThisUser(const std::string& configFile = {});
};

/// What ssh_config(5) files say of a host: `Host`, `Match` (all, host, originalhost, user, localuser, exec, canonical, final), `Include`,
/// tokens. The first value counts, those of the command line before all. Blocks for the time of reading a few files (and of `Match exec`).
/// Errors: BadInput with file and line, NotFound for a file that was named and is not there.
[[nodiscard]] Result<SshHost> resolveSshHost(const SshConfigPlaces& places, const SshHop& wanted);

/// The names that `Host` lines give without patterns, in the order of the files, each once: what a person can pick from. Files that cannot
/// be read are left out.
[[nodiscard]] std::vector<std::string> sshHostNames(const SshConfigPlaces& places);

/// Whether `name` matches a pattern list of ssh_config(5): `*`, `?`, a leading `!` for "not this". Case counts.
[[nodiscard]] bool matchesSshPatterns(std::string_view name, const std::vector<std::string>& patterns);

} // namespace gantry::app
