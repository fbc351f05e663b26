#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// A host's public key as known_hosts has it.
struct SshHostKey
{
    std::string type;   ///< "ssh-ed25519"
    std::string base64; ///< of the key's blob
};

/// What known_hosts files say of a host's key.
struct SshHostKeyVerdict
{
    enum class Kind
    {
        Known,     ///< this key is the host's
        Unknown,   ///< nothing is known of the host
        Changed,   ///< the host has another key of this type
        OtherType, ///< the host is known by keys of other types alone
        Revoked    ///< the key is marked @revoked for the host
    };
    Kind kind = Kind::Unknown;
    std::filesystem::path file; ///< of the line that decided; empty for Unknown
    int line = 0;               ///< from 1
    std::string knownType;      ///< Changed, OtherType: of the key on that line
    bool hasAuthority = false;  ///< a @cert-authority line is for the host, which Gantry cannot check
};

/// The known_hosts files of ssh(1), sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT": plain, bracketed and hashed names, patterns, markers. A value
/// that reads the files anew for each question, so that what another ssh wrote counts. Any thread.
class SshKnownHosts
{
public:
    /// In the order in which they are read; files that are not there are empty.
    explicit SshKnownHosts(std::vector<std::string> files) : m_files(std::move(files)) {}

    /// `name` as SshHost::knownHostsName() gives it. A key of a port is also looked for under the host's name alone only where ssh does so:
    /// never. Errors: NotPermitted for a file that is there and cannot be read.
    [[nodiscard]] Result<SshHostKeyVerdict> check(const std::string& name, const SshHostKey& key) const;

    /// Types of the keys that are known for the host, in the order of the files, each once: to be asked for first, so that a host with
    /// several keys shows one that is known.
    [[nodiscard]] std::vector<std::string> keyTypes(const std::string& name) const;

    /// Appends a line to the first file, which is made with its folder when it is not there (0600 and 0700). With `isHashed` the name
    /// cannot be read from it. Errors: CannotWrite, NotPermitted.
    [[nodiscard]] Result<std::filesystem::path> add(const std::string& name, const SshHostKey& key, bool isHashed) const;

private:
    std::vector<std::string> m_files;
};

} // namespace gantry::app
