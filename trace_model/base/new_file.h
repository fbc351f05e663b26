#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace gantry {

/// Who may read a new file.
enum class FileAccess
{
    OwnerOnly, ///< mode 0600: it holds what was captured of somebody's server
    ByUmask,   ///< as the files of any other program: the user asked for it
};

/// What becomes of a new file when the machine stops.
enum class Durability
{
    Synced,   ///< it is on the disk when it is published
    Volatile, ///< it may be lost or damaged: for files that do not outlive the process
};

/// A file that appears under its name when it is complete: written without a name, then linked into its folder. Until then a file of that
/// name stays as it is; what is not published leaves nothing behind, not even when the process is killed. Where the name is a symbolic
/// link, the file it leads to is written. One thread at a time. Errors: CannotWrite.
///
/// A process that is killed while it takes the place of another file may leave the new one, complete, under a hidden name.
/// File systems without files that have no name (NFS, FAT) get a hidden one beside it, which a killed process leaves there.
class NewFile
{
public:
    [[nodiscard]] static Result<NewFile> create(const std::filesystem::path& path, FileAccess access = FileAccess::OwnerOnly);
    /// The same under a hidden name from the begin, which file systems need that have no files without a name.
    [[nodiscard]] static Result<NewFile> createNamed(const std::filesystem::path& path, FileAccess access = FileAccess::OwnerOnly);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile(); ///< discards

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; } ///< absolute, without links at its end
    /// Where it is written; empty while it has no name.
    [[nodiscard]] const std::filesystem::path& temporaryPath() const { return m_temporary; }

    [[nodiscard]] Result<void> write(std::string_view bytes);
    /// In the place of bytes that are written.
    [[nodiscard]] Result<void> overwrite(std::uint64_t offset, std::string_view bytes);
    /// Gives it its name, in the place of a file that has it.
    [[nodiscard]] Result<void> publish(Durability durability = Durability::Synced);
    void discard();

    /// The sentence of a failed write: what the system said, and what to do about it.
    [[nodiscard]] static Error writeError(int errnoValue, const std::filesystem::path& path, std::string_view doing);

private:
    NewFile(int fd, std::filesystem::path path, std::filesystem::path temporary);
    [[nodiscard]] bool takeName();

    int m_fd; ///< -1: published or discarded
    std::filesystem::path m_path, m_temporary;
};

} // namespace gantry
