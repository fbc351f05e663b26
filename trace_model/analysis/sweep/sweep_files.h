#pragma once

#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::sweep {

/// What the files of a recipe's sweep end in that say which points it has.
inline constexpr std::string_view kIndexEnding = ".sweep.json";

inline constexpr int kIndexVersion = 1; ///< of the format, see INDEX_FORMAT.md

/// A combination of a recipe's sweep, as its index keeps it.
struct IndexEntry
{
    std::vector<Parameter> parameters; ///< without circumstances
    std::string report;                ///< name of the file beside the index; empty: there is none
    std::string load;                  ///< what `gantryctl load --json` says of it; empty: nothing was measured
    std::string error;                 ///< why it failed; empty: it did not
};

[[nodiscard]] std::string indexText(const std::string& name, const std::vector<IndexEntry>& entries);
/// Errors: BadInput, with what is wrong.
[[nodiscard]] Result<std::vector<IndexEntry>> parseIndex(std::string_view text);

struct ReadOptions
{
    /// Opens a report. Called on the thread that reads.
    std::function<Result<std::shared_ptr<const trace::Trace>>(const std::filesystem::path&)> open;
    std::function<void(double fraction, const std::string& what)> progress; ///< may be empty
    std::stop_token stop;
};

/// The points of reports, of tables of perf_analyzer and Model Analyzer, of indexes, and of folders with such files: all points of an index
/// and of reports and tables that no index names. What a folder has that cannot be read is a point with its error; what is named and
/// cannot be read is an error. Blocks for as long as opening every report takes. Errors: those of `open`, NotFound, BadInput (with line and
/// column of a table; nothing there to read), Cancelled.
[[nodiscard]] Result<Sweep> readSweep(std::span<const std::filesystem::path> paths, const ReadOptions& options);

} // namespace gantry::sweep
