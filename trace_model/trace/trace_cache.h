#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gantry::trace {

/// Traces that were opened before, as archives in a folder: opening them again takes no longer than mapping a file. Any number of processes may use
/// one folder. Any thread.
class TraceCache
{
public:
    static constexpr std::uint64_t kDefaultLimit = std::uint64_t{16} << 30;

    /// `limit`: bytes that the folder may hold; what was not opened for longest goes first.
    explicit TraceCache(std::filesystem::path folder, std::uint64_t limit = kDefaultLimit);

    /// The folder of this user's caches (XDG base directory specification), or nothing when there is no home.
    [[nodiscard]] static std::optional<std::filesystem::path> userFolder();

    /// What tells a file's content from any other's: its length, time of change, inode, and its bytes at places all over it (all of a small
    /// file's). 64 hexadecimal digits, or nothing when it cannot be read. `salt`: what else a trace depends on.
    [[nodiscard]] static std::optional<std::string> keyOf(std::span<const std::filesystem::path> files, std::string_view salt = {});

    /// `checkColumns`: see readArchive().
    [[nodiscard]] std::shared_ptr<const Trace> find(std::string_view key, bool checkColumns = false) const;
    /// Forgets what is kept under that key.
    void drop(std::string_view key) const;
    /// Errors: CannotWrite. A trace too large for the folder's limit is not kept, which is no error.
    [[nodiscard]] Result<void> store(const Trace& trace, std::string_view key) const;

private:
    [[nodiscard]] std::filesystem::path pathOf(std::string_view key) const;
    void makeRoom(std::uint64_t bytes) const;

    std::filesystem::path m_folder;
    std::uint64_t m_limit;
};

} // namespace gantry::trace
