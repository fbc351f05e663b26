#pragma once

#include "app/cli/counter_summary.h"
#include "app/cli/report_summary.h"
#include "trace_model/analysis/kernel_stats.h"
#include "trace_model/trace/trace.h"

#include <nlohmann/json.hpp>

/// What gantryctl says of a report as JSON. Keys are a contract: people script against them. Times are ns with the unit in the
/// key; what is absent is null.
namespace gantry::cli {

/// {"format","producer","time_range_ns","start_utc_ns","counts":{…},"losses":[…],"warnings":[…],…}; times count from the report's start
[[nodiscard]] nlohmann::json infoJson(const trace::Trace& trace);
/// What the load of the recipe measured that a report was made by; null: there is none, or it cannot be read.
[[nodiscard]] nlohmann::json recipeLoad(const trace::Trace& trace);
[[nodiscard]] nlohmann::json toJson(const ReportSummary& summary);
[[nodiscard]] nlohmann::json toJson(const std::vector<CounterSummary>& counters);
/// `hasBytes`: the grouping counts bytes; else "bytes" is null.
[[nodiscard]] nlohmann::json toJson(const analysis::ActivityRow& row, bool hasBytes);

} // namespace gantry::cli
