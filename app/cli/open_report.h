#pragma once

#include "app/cli/output.h"
#include "trace_model/trace/trace.h"
#include "trace_model/trace/trace_loader.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gantry::cli {

/// Files that make one trace, as a command line names them.
struct ReportFiles
{
    std::vector<std::string> paths;
    std::vector<std::string> offsets; ///< of the second file and those after it: "1.5ms", "-20us", "auto"; may be fewer
};

/// Adds the files and --offset to a command.
void addReportFiles(CLI::App& command, ReportFiles& files);

/// The files with their offsets. Errors: BadInput for an offset that is none, or more of them than there are files to shift.
[[nodiscard]] Result<std::vector<trace::LoadFile>> loadFilesOf(const ReportFiles& files);

/// Opens reports of any format as one trace, from the user's cache where it was opened before, and keeps it there. Shows progress where
/// standard error is a terminal; Ctrl-C gives up. What only Nsight Systems reads is exported on the node where one is named. Errors: those
/// of trace::loadTrace().
[[nodiscard]] Result<std::shared_ptr<const trace::Trace>> openReport(std::span<const trace::LoadFile> files, const CommonOptions& common);
[[nodiscard]] Result<std::shared_ptr<const trace::Trace>> openReport(const std::string& file, const CommonOptions& common);

/// Opens what the command line names and does `work` with it. Returns the exit status of the work, or of what was reported instead.
[[nodiscard]] int withReport(const ReportFiles& files, const CommonOptions& common, const std::function<int(const trace::Trace&)>& work);

} // namespace gantry::cli
