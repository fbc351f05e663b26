#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <string_view>

namespace gantry::importing {

/// Reads the requests that perf_analyzer and genai-perf write one by one (`--profile-export-file`): each from when it was sent to
/// its last response, counters "time to first token" and "inter-token latency" where responses are streamed, marks where
/// experiments begin and measurement windows end. Requests that were sent outside the windows are warm-up: kept and counted.
/// Errors: those of readWhole(), BadInput or Truncated when no request is whole.
[[nodiscard]] Result<void> readPerfAnalyzerProfile(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

/// The same of the content of a file.
[[nodiscard]] Result<void> parsePerfAnalyzerProfile(std::string_view text, EventSink& sink, const ReadControl& control);

} // namespace gantry::importing
