#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <string_view>

namespace gantry {

/// A file that appears under its name when it is complete: written under another name in the same folder (mode 0600), then renamed. Until then
/// a file of that name stays as it is; what is not published leaves nothing behind. One thread at a time. Errors: CannotWrite.
class NewFile
{
public:
    [[nodiscard]] static Result<NewFile> create(const std::filesystem::path& path);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile(); ///< discards

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; } ///< absolute
    /// Where it is written: for a library that opens files by name.
    [[nodiscard]] const std::filesystem::path& temporaryPath() const { return m_temporary; }

    [[nodiscard]] Result<void> write(std::string_view bytes);
    /// Flushes to the disk and renames.
    [[nodiscard]] Result<void> publish();
    void discard();

    /// The sentence of a failed write: what the system said, and what to do about a full disk.
    [[nodiscard]] static Error writeError(int errnoValue, const std::filesystem::path& path, std::string_view doing);

private:
    NewFile(int fd, std::filesystem::path path, std::filesystem::path temporary);

    int m_fd;
    std::filesystem::path m_path, m_temporary; ///< temporary empty: published or discarded
};

} // namespace gantry
