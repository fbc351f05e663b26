#pragma once

#include "trace_model/trace/trace.h"

#include <vector>

namespace gantry::trace {

/// Arranges a trace's events in tracks: requests, GPUs with their contexts and streams, processes with their threads, and the
/// given counters. All of its columns are in order. `requestWindows`: see addRequestTracks(). Uses kWorkers threads.
void buildTracks(Trace& trace, std::vector<Track> counters, const std::vector<TimeRange>& requestWindows);

} // namespace gantry::trace
