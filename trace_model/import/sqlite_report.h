#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>

namespace gantry::importing {

/// Reads a SQLite report into `sink`: Gantry's own, or an Nsight Systems export of any version. Reads large tables by several
/// threads. Errors: NotFound, NotAReport, UnsupportedVersion, Truncated, Cancelled.
[[nodiscard]] Result<void> readSqliteReport(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

} // namespace gantry::importing
