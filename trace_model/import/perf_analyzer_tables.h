#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <string_view>

namespace gantry::importing {

/// Reads the tables that perf_analyzer (`-f`), Model Analyzer and genai-perf write as CSV: one SummaryTable for each, with units in
/// the names of the columns, by rising load (perf_analyzer itself sorts by throughput).
/// Errors: those of readWhole(), BadInput when the file has no rows.
[[nodiscard]] Result<void> readPerfAnalyzerCsv(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

/// Reads what perf_analyzer prints: a SummaryTable with a row for each load it measured.
/// Errors: those of readWhole(), BadInput when nothing was measured.
[[nodiscard]] Result<void> readPerfAnalyzerText(const std::filesystem::path& path, EventSink& sink, const ReadControl& control);

/// The same of the content of a file.
[[nodiscard]] Result<void> parsePerfAnalyzerCsv(std::string_view text, EventSink& sink);
[[nodiscard]] Result<void> parsePerfAnalyzerText(std::string_view text, EventSink& sink);

} // namespace gantry::importing
