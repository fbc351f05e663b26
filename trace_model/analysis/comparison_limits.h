#pragma once

#include "trace_model/analysis/compared_side.h"

#include <array>
#include <string>
#include <vector>

namespace gantry::analysis {

struct Comparison;

/// What cannot be concluded from two sides, or with care alone, a sentence each: an empty side, nothing in common, too few requests,
/// windows of very different length, dropped records, other GPUs. Empty: nothing stands in the way.
[[nodiscard]] std::vector<std::string> comparisonLimits(const std::array<ComparedSide, 2>& sides, const Comparison& comparison);

} // namespace gantry::analysis
