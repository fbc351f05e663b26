#pragma once

#include "app/cli/output.h"
#include "trace_model/trace/trace.h"

#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {

/// Files that make one trace, as a command line names them.
struct ReportFiles
{
    std::vector<std::string> paths;
    std::vector<std::string> offsets; ///< of the second file and those after it: "1.5ms", "-20us", "auto"; may be fewer
};

/// Opens a report of any format, from the user's cache where it was opened before, and keeps it there. Shows progress where standard error
/// is a terminal; Ctrl-C gives up. Errors: those of trace::loadTrace(), BadInput for an offset that is none.
[[nodiscard]] Result<std::shared_ptr<const trace::Trace>> openReport(const ReportFiles& files, const CommonOptions& common);
[[nodiscard]] Result<std::shared_ptr<const trace::Trace>> openReport(const std::string& file, const CommonOptions& common);

} // namespace gantry::cli
