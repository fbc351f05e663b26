#pragma once

#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <vector>

namespace gantry::cli {

/// Where what a load measured is written; empty: nowhere.
struct LoadFiles
{
    std::filesystem::path csv;     ///< perf_analyzer's table (`-f`)
    std::filesystem::path profile; ///< its requests one by one (`--profile-export-file`)
};

/// That both can be written is found before the load, not after it; their folders are made. Errors: CannotWrite.
[[nodiscard]] Result<void> checkWritable(const LoadFiles& files);

/// Errors: CannotWrite.
[[nodiscard]] Result<void> writeLoadFiles(const LoadFiles& files, const std::vector<load::LoadResult>& levels,
                                          const load::LoadOptions& options);

} // namespace gantry::cli
