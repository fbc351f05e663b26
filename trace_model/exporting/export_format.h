#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::exporting {

enum class ExportFormat
{
    ChromeJson, ///< Chrome's trace events, for Perfetto and chrome://tracing
    Csv,        ///< one table
    NsysSqlite, ///< the Nsight Systems export's schema with what Gantry adds to it: a report
};

/// By its word on the command line: "chrome", "csv", "sqlite".
[[nodiscard]] std::optional<ExportFormat> formatFromName(std::string_view word);

/// What an export does besides writing.
struct ExportOptions
{
    std::string table;  ///< Csv: which; see exportTables()
    std::function<void(double fraction)> progress; ///< called by the exporting thread, 0..1; may be empty
    std::stop_token stop; ///< looked at at least every 50 ms
};

/// Writes the trace to a new file, which appears when it is complete and replaces an older one; ".gz" at the end of a ChromeJson or Csv
/// file's name asks for gzip. Any thread. Errors: CannotWrite, BadInput (no such table), Cancelled.
[[nodiscard]] Result<void> exportTrace(const trace::Trace& trace, ExportFormat format, const std::filesystem::path& path,
                                       const ExportOptions& options = {});

/// Names of the tables that this trace has rows for.
[[nodiscard]] std::vector<std::string> exportTables(const trace::Trace& trace);

/// Something that a trace may hold and a file of some format cannot.
struct FormatLimit
{
    std::string_view what; ///< "losses and warnings"
    bool (*concerns)(const trace::Trace&);
};

[[nodiscard]] std::span<const FormatLimit> limitsOf(ExportFormat format);
/// Those that concern this trace.
[[nodiscard]] std::vector<std::string_view> notKept(const trace::Trace& trace, ExportFormat format);

} // namespace gantry::exporting
