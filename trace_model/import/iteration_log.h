#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <string_view>

namespace gantry::importing {

/// Reads what an LLM server says of its iterations: TensorRT-LLM's statistics of every generation (GptManager's and the executor's
/// JSON in a log or from /metrics, the PyTorch back end's text), and the log lines of vLLM and SGLang. A counter for each value and
/// rank, and a range for each iteration whose duration is known, on a thread for each rank. All other lines are passed over. The
/// file is read twice, in pieces: memory is taken by what is found in it alone.
/// Errors: those of ByteSource, Cancelled, BadInput when nothing is about iterations.
[[nodiscard]] Result<void> readIterationLog(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

/// The same of the content of a file.
[[nodiscard]] Result<void> parseIterationLog(std::string_view text, EventSink& sink, const ReadControl& control);

} // namespace gantry::importing
