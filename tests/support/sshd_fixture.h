#pragma once

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::test {

/// Why no sshd can be started here; nothing: one can.
[[nodiscard]] std::optional<std::string> whyNoSshd();

/// A real sshd of the tests' own, on a free port of 127.0.0.1, as the current user, with host keys, authorized_keys and a configuration of
/// its own. Ends and is removed with this object. Throws std::runtime_error when it does not start.
class SshdFixture
{
public:
    struct Options
    {
        std::vector<std::string> lines; ///< of sshd_config, before the usual ones: the first value counts
        std::vector<std::string> hostKeyTypes = {"ed25519"};
        std::map<std::string, std::string> environment; ///< of what runs there, besides a HOME and a TMPDIR of its own
    };

    SshdFixture() : SshdFixture(Options{}) {}
    explicit SshdFixture(Options options);
    SshdFixture(const SshdFixture&) = delete;
    SshdFixture& operator=(const SshdFixture&) = delete;
    ~SshdFixture();

    /// The same port and keys again.
    void start();
    /// SIGKILL for the listener and every connection.
    void kill();
    /// New host keys, as of a machine that was set up anew; the next connections see them.
    void changeHostKeys();

    [[nodiscard]] int port() const { return m_port; }
    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder.path(); }
    [[nodiscard]] std::filesystem::path home() const { return m_folder / "home"; }              ///< HOME of what runs there
    [[nodiscard]] std::filesystem::path temporary() const { return m_folder / "tmp"; }          ///< TMPDIR of what runs there
    [[nodiscard]] std::filesystem::path clientKey() const { return m_folder / "client_key"; }   ///< accepted, without a passphrase
    [[nodiscard]] std::filesystem::path knownHosts() const { return m_folder / "known_hosts"; } ///< of the client; holds nothing at first
    [[nodiscard]] std::string publicHostKey(const std::string& type = "ed25519") const;         ///< "TYPE BASE64"
    [[nodiscard]] std::string log() const;
    /// Processes of sshd and below it that serve connections.
    [[nodiscard]] std::vector<int> connections() const;

    /// Accepts another key. Makes it with `passphrase`.
    [[nodiscard]] std::filesystem::path addClientKey(const std::string& name, const std::string& passphrase);

    /// What a client's configuration says of this host under a name. `lines` stand before and so count first.
    [[nodiscard]] std::string configOf(const std::string& name, const std::vector<std::string>& lines = {}) const;
    /// A file with configOf("node", lines), the known host key among its files if `isKnown`.
    [[nodiscard]] std::filesystem::path writeConfig(const std::vector<std::string>& lines = {}, bool isKnown = true) const;

private:
    [[nodiscard]] std::filesystem::path hostKey(const std::string& type) const { return m_folder / ("host_key_" + type); }
    bool listens();

    TemporaryFolder m_folder;
    Options m_options;
    int m_port = 0;
    std::unique_ptr<ChildProcess> m_daemon;
};

} // namespace gantry::test
