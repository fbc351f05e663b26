#pragma once

#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace gantry::sweep {

/// Points of a table as perf_analyzer (`-f`) and Model Analyzer write it, a row each. Columns are known by their words and units by the
/// parentheses in the header, times without a unit are µs; a cell that is no number leaves its figure absent, and a column that means
/// nothing here is kept as it is. Errors: BadInput with line and column, for a table that is not one: no header, a row of other length, a
/// quote that is not closed, a figure that is there twice, neither throughput nor latency.
[[nodiscard]] Result<std::vector<Point>> pointsOfCsv(std::string_view text, const std::filesystem::path& file);

/// The same of a table that was imported, of what perf_analyzer prints for instance.
[[nodiscard]] Result<std::vector<Point>> pointsOfTable(const importing::SummaryTable& table, const std::filesystem::path& file);

/// Model Analyzer writes what GPUs did into a table of its own (metrics-model-gpu.csv): puts such rows into the points of the same folder
/// that have the same settings, the mean share and the sum of memory. Rows that are of no point, of the idle server for instance, go.
void joinGpuRows(std::vector<Point>& points);

} // namespace gantry::sweep
