#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <optional>
#include <stop_token>

namespace gantry::analysis {

/// The first stretch of at least `shortest` ns, from `after` on, in which nothing of a track runs, whatever its depth: between two of its
/// spans, never before its first or behind its last one. Nothing: there is none, or it was asked to stop. Any thread; linear in the spans
/// that it passes.
[[nodiscard]] std::optional<TimeRange> nextIdleGap(const trace::Trace& trace, trace::TrackId track, TimestampNs after, DurationNs shortest,
                                                   const std::stop_token& stop = {});

} // namespace gantry::analysis
