#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <memory>
#include <stop_token>

namespace gantry::trace {

using LoadProgress = importing::Progress;

/// Reads a file of any format that Gantry knows, recognised by content, into a Trace. Any thread; blocks for the time of reading.
/// Errors: NotFound, NotAReport, UnsupportedVersion, Truncated, BadInput, Cancelled.
[[nodiscard]] Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress = {},
                                                             std::stop_token stop = {});

} // namespace gantry::trace
