#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

namespace gantry::trace {

/// Called from the loading thread with the fraction done (0..1) and the stage ("kernels").
using LoadProgress = std::function<void(double fraction, std::string_view stage)>;

/// Reads a report (Gantry's own or an Nsight Systems SQLite export; recognised by content, .zst compressed or not) into a Trace.
/// Any thread; blocks for the time of reading. Errors: NotFound, NotAReport, UnsupportedVersion, Truncated, BadInput, Cancelled.
[[nodiscard]] Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress = {},
                                                             std::stop_token stop = {});

} // namespace gantry::trace
