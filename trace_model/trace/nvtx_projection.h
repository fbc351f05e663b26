#pragma once

#include "trace_model/trace/trace.h"

namespace gantry::trace {

/// Traces with more ranges or API calls than this are not projected: it would take longer than opening them.
inline constexpr std::size_t kMostProjected = 1'000'000;

/// Projects the NVTX push/pop ranges onto the GPU: where a range made API calls that launched work, `gpuRanges` get a span from the first
/// to the last piece of that work, for each stream apart. Leaves alone Chrome traces and what a
/// file projected itself. A trace that is too large gets a warning instead. Columns are sorted and stay so. O(calls + work · depth of ranges).
void projectNvtx(Trace& trace);

} // namespace gantry::trace
