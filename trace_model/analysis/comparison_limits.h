#pragma once

#include "trace_model/trace/trace.h"

#include <string>
#include <vector>

namespace gantry::analysis {

struct Comparison;

/// What cannot be concluded from two traces, or with care alone, a sentence each: an empty side, nothing in common, too few requests, windows
/// of very different length, dropped records, other GPUs. Empty: nothing stands in the way.
[[nodiscard]] std::vector<std::string> comparisonLimits(const trace::Trace& a, const trace::Trace& b, const Comparison& comparison);

} // namespace gantry::analysis
