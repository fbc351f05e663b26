#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <memory>
#include <string_view>

namespace gantry::trace {

/// Version of the archive's layout, part of every file: another version is not read. Raise it with any change of Trace's members, and of
/// what is made of a report.
inline constexpr std::uint32_t kArchiveVersion = 14;

/// Writes a trace as it is in memory, so that reading it back is no work: columns one behind the other, then a directory of all else, then
/// a footer with the directory's place and checksum. Private to this machine and version. `key`: what the trace was made of. Errors:
/// CannotWrite.
[[nodiscard]] Result<void> writeArchive(const Trace& trace, const std::filesystem::path& path, std::string_view key);

/// Maps an archive: columns are read from the file when they are looked at, and leave memory again when it is short. The file must not be
/// written while the trace lives; it may be removed. Nothing when the file is absent, incomplete, damaged, or of another version or key.
/// Whether columns are damaged is looked at only with `checkColumns`: that reads all of the file, at about 2 GB/s a core.
[[nodiscard]] std::shared_ptr<const Trace> readArchive(const std::filesystem::path& path, std::string_view key, bool checkColumns = false);

} // namespace gantry::trace
