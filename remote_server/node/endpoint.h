#pragma once

#include "remote_server/node/unique_fd.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

/// Where gantryd listens, and who may talk to it there: a unix socket guarded by file permissions, or TCP guarded by a token.
namespace gantry::node {

/// $XDG_RUNTIME_DIR/gantry/gantryd.sock, or /tmp/gantry-UID/gantryd.sock. `runtimeFolder` is the variable's value, empty if unset.
[[nodiscard]] std::filesystem::path defaultSocketPath(const std::string& runtimeFolder);

/// Whether a folder may be shared with others.
enum class FolderRule
{
    Private,   ///< ours, mode 0700: created so, or refused
    Trustable, ///< chosen by the user: nobody else may replace our files in it (not writable by others, or sticky)
};

/// Creates the folder (0700, with parents) where missing and checks it. Errors: NotPermitted (whose it is and what to do), CannotWrite.
[[nodiscard]] Result<void> ensureFolder(const std::filesystem::path& folder, FolderRule rule);

/// The right to listen on one unix socket path, held as long as the object lives: a lock file beside the socket, which the
/// kernel frees even after SIGKILL. A socket left by a dead daemon is removed. Errors: Busy (a live daemon has it), BadInput
/// (path too long), those of ensureFolder.
class SocketClaim
{
public:
    [[nodiscard]] static Result<SocketClaim> take(const std::filesystem::path& socketPath, FolderRule rule);
    SocketClaim(SocketClaim&&) noexcept = default;
    SocketClaim& operator=(SocketClaim&&) noexcept = default;
    ~SocketClaim();

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    SocketClaim(std::filesystem::path path, UniqueFd lock) : m_path(std::move(path)), m_lock(std::move(lock)) {}

    std::filesystem::path m_path;
    UniqueFd m_lock;
};

/// A TCP address to listen on; host is numeric, so that what was checked is what is bound.
struct ListenAddress
{
    std::string host;
    std::uint16_t port = 0; ///< 0: any free one
    bool loopback = false;

    /// "127.0.0.1:8090", "[::1]:8090".
    [[nodiscard]] std::string text() const;
};

/// "127.0.0.1:0", "localhost:8090", "[::1]:8090"; a name is resolved. Loopback only when every address of the name is. Error: BadInput.
[[nodiscard]] Result<ListenAddress> parseListenAddress(const std::string& text);

/// Reads the token of a file that only its owner may read. Errors: NotFound, NotPermitted, BadInput (empty).
[[nodiscard]] Result<std::string> readToken(const std::filesystem::path& file);

/// The token in `file`, or a new one of 32 random bytes in hexadecimal written there with mode 0600.
[[nodiscard]] Result<std::string> readOrCreateToken(const std::filesystem::path& file);

/// Equality in time that depends on the length of `presented` only.
[[nodiscard]] bool tokensEqual(const std::string& expected, const std::string& presented);

/// Whole content of a small file (PEM certificates and keys).
[[nodiscard]] Result<std::string> readTextFile(const std::filesystem::path& file);

} // namespace gantry::node
