#pragma once

#include "trace_model/base/new_file.h"
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
    std::string table;                             ///< Csv: which; see exportTables()
    std::optional<int> descriptor;                 ///< ChromeJson, Csv: where to write instead of to a file; the path tells whether to pack
    std::function<void(double fraction)> progress; ///< called by the exporting thread, 0..1; may be empty
    std::stop_token stop; ///< looked at at least every 50 ms
    FileAccess access = FileAccess::ByUmask; ///< of the file that is made, where the format is text
};

/// What to do where a file of the name is there already.
enum class ExistingFile
{
    Keep,
    Replace
};

/// Whether an export of a trace that is read from `sources` may go to `path`; asked before anything is read. Files that are read are never
/// replaced, nor is the SQLite export that is read in place of an Nsight Systems report. Any thread; may look through a .nsys-rep file.
/// Errors: BadInput (a file that is read; a name that promises what the format is not), CannotWrite (there is a file, or no folder).
[[nodiscard]] Result<void> checkTarget(const std::filesystem::path& path, ExportFormat format,
                                       std::span<const std::filesystem::path> sources, ExistingFile existing);
/// The part about the files that are read.
[[nodiscard]] Result<void> checkIsNoSource(const std::filesystem::path& path, std::span<const std::filesystem::path> sources);

/// Writes the trace to a new file (its mode by the umask), which appears when it is complete and replaces an older one; ".gz" at the end of
/// a ChromeJson or Csv file's name asks for gzip. Any thread. Errors: CannotWrite, BadInput (no such table, a packed report), Cancelled.
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
/// Of any format: what was not read to begin with.
inline constexpr std::string_view kNotRead =
    "what no view shows of the file's events, such as arguments and single allocations (`gantryctl report info` counts them)";
[[nodiscard]] bool isReadInPart(const trace::Trace& trace);
/// Those that concern this trace.
[[nodiscard]] std::vector<std::string_view> notKept(const trace::Trace& trace, ExportFormat format);

} // namespace gantry::exporting
