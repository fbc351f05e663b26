#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <string_view>

namespace gantry {

/// Who may read a new file.
enum class FileAccess
{
    OwnerOnly, ///< mode 0600: it holds what was captured of somebody's server
    ByUmask,   ///< as the files of any other program: the user asked for it
};

/// A file that appears under its name when it is complete: written under another name in the same folder, then renamed. Until then a file
/// of that name stays as it is; what is not published leaves nothing behind. Where the name is a symbolic link, the file it leads to is
/// written. One thread at a time. Errors: CannotWrite.
class NewFile
{
public:
    [[nodiscard]] static Result<NewFile> create(const std::filesystem::path& path, FileAccess access = FileAccess::OwnerOnly);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile(); ///< discards

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; } ///< absolute, without links at its end
    /// Where it is written: for a library that opens files by name.
    [[nodiscard]] const std::filesystem::path& temporaryPath() const { return m_temporary; }

    [[nodiscard]] Result<void> write(std::string_view bytes);
    /// Flushes to the disk and renames.
    [[nodiscard]] Result<void> publish();
    void discard();

    /// The sentence of a failed write: what the system said, and what to do about it.
    [[nodiscard]] static Error writeError(int errnoValue, const std::filesystem::path& path, std::string_view doing);

private:
    NewFile(int fd, std::filesystem::path path, std::filesystem::path temporary);

    int m_fd;
    std::filesystem::path m_path, m_temporary; ///< temporary empty: published or discarded
};

} // namespace gantry
