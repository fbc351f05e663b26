#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <string_view>

namespace gantry::importing {

/// Reads a request trace of Triton's tracer (`--trace-config`, mode triton): requests with their phases and parents, batches
/// (requests of a model that computed at the same times), and all other activities as ranges and marks of a process "Triton".
/// Each run of the server whose ids are in the file is a process of its own. Fragments need no order.
/// Errors: those of readWhole(), BadInput when nothing in the file is a fragment of such a trace.
[[nodiscard]] Result<void> readTritonTrace(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

/// The same of the content of a file.
[[nodiscard]] Result<void> parseTritonTrace(std::string_view text, EventSink& sink, const ReadControl& control);

} // namespace gantry::importing
