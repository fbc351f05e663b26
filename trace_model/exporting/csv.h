#pragma once

#include "trace_model/exporting/export_format.h"

namespace gantry::exporting {

/// Writes one table as comma-separated values: a line of column names with their units, then a line for each row, in UTF-8, quoted as
/// RFC 4180 says. Times are ns since the session start; absent values are empty.
[[nodiscard]] Result<void> writeCsv(const trace::Trace& trace, const std::filesystem::path& path, const ExportOptions& options);

[[nodiscard]] std::span<const FormatLimit> csvLimits();

} // namespace gantry::exporting
