#pragma once

#include "trace_model/import/trace_meta.h"
#include "trace_model/report/window_cost.h"

#include <string>
#include <vector>

namespace gantry::analysis {

/// What a report says of its window's cost.
[[nodiscard]] report::WindowCost windowCostOf(const importing::TraceMeta& meta);

/// Whether the load was large and even enough for the ratio to say anything, as TraceMeta::isWindowCostClear().
[[nodiscard]] bool isCostClear(const report::WindowCost& cost);

/// The cost as one reads it aloud: "-0.8 % ± 0.3 % req/s, +0.1 ± 0.2 ms p99". Where the load was too uneven, small or unknown to say
/// anything, that in words: "not clear: …", "too few requests to say: …", "not measured".
[[nodiscard]] std::string costSentence(const report::WindowCost& cost);

/// "+0.1 ± 0.2 ms", in the unit of the larger of the two.
[[nodiscard]] std::string costDifferenceText(const report::CostDifference& difference);

struct CostLine
{
    std::string name, value;
};

/// Everything behind the sentence, a line for each figure that was measured and for each that was not.
[[nodiscard]] std::vector<CostLine> costLines(const report::WindowCost& cost);

} // namespace gantry::analysis
