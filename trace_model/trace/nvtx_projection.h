#pragma once

#include "trace_model/trace/trace.h"

#include <stop_token>

namespace gantry::trace {

/// Traces with more ranges or API calls than this are not projected: it would take longer than opening them.
inline constexpr std::size_t kMostProjected = 1'000'000;
/// Of ranges in ranges, so many of the innermost ones are projected: a program that forgets to pop has thousands around each launch.
inline constexpr std::size_t kDeepestProjected = 64;

/// Projects the NVTX push/pop ranges onto the GPU: where a range made API calls that launched work, `gpuRanges` get a span from the first
/// to the last piece of that work, for each stream apart. Leaves alone Chrome traces and what a
/// file projected itself. A trace that is too large gets a warning instead. Columns are sorted and stay so. O(calls + work · depth of
/// ranges). False: asked to stop.
[[nodiscard]] bool projectNvtx(Trace& trace, const std::stop_token& stop);

} // namespace gantry::trace
