#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <stop_token>

namespace gantry::report {

/// The SQLite file behind a path: the path itself, or a temporary copy (mode 0600) that is removed with this object.
class ReportFile
{
public:
    /// Largest report a compressed one may unpack to, bytes: a few hundred kilobytes of zstd can hold any amount of zeros.
    static constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{4} << 30;

    /// Recognises the file by its first bytes and unpacks it when it is compressed with zstd. The result is an SQLite database
    /// as far as its header says, and as long as the header says.
    /// Errors: NotFound, NotPermitted, NotAReport, Truncated, BadInput, CannotWrite (no room to unpack), Cancelled.
    [[nodiscard]] static Result<ReportFile> open(const std::filesystem::path& path, std::stop_token stop,
                                                 std::uint64_t maxUnpackedBytes = kMaxUnpackedBytes);
    ReportFile(ReportFile&& other) noexcept;
    ReportFile& operator=(ReportFile&& other) noexcept;
    ~ReportFile();

    [[nodiscard]] const std::filesystem::path& databasePath() const { return m_path; }
    [[nodiscard]] std::uint64_t size() const { return m_size; }
    /// Whether changes may wait in a write-ahead log beside the file, which only a reader that takes locks sees.
    [[nodiscard]] bool usesWriteAheadLog() const { return m_usesWal; }

private:
    ReportFile() = default;

    std::filesystem::path m_path;
    bool m_isTemporary = false;
    bool m_usesWal = false;
    std::uint64_t m_size = 0;
};

} // namespace gantry::report
