#pragma once

#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/trace/trace.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace gantry::sweep {

/// The points of a report: one, with what its load measured where a recipe made it, else with what the server recorded of its requests; one
/// for each level of a load that had several, which the report's window cannot be told apart by, so that those have no trace. What the
/// report knows of its circumstances are its parameters. Any thread.
[[nodiscard]] std::vector<Point> pointsOfReport(const trace::Trace& trace, const std::filesystem::path& file);

/// Takes the figures of a load of one level, as `gantryctl load --json` says it, over what the server recorded. False: it is none, or
/// has several levels; then nothing is changed.
[[nodiscard]] bool takeLoad(Point& point, std::string_view json);

} // namespace gantry::sweep
