#pragma once

#include "trace_model/exporting/export_format.h"

namespace gantry::exporting {

/// Writes a report (SCHEMA.md): what the Nsight Systems export has a table for goes there, for scripts written for it, and the rest to tables
/// of Gantry's own. It opens as the same trace again.
[[nodiscard]] Result<void> writeNsysSqlite(const trace::Trace& trace, const std::filesystem::path& path, const ExportOptions& options);

[[nodiscard]] std::span<const FormatLimit> nsysSqliteLimits();

} // namespace gantry::exporting
