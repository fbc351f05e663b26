#pragma once

#include "trace_model/trace/track_list.h"

#include <vector>

namespace gantry::trace {

/// Adds what requests did: for each model their lanes, how many were in flight and in the queue, how large the batches were and how many
/// instances were busy; then a row for each instance's executions. Nothing for a trace without requests. `windows`: when requests were
/// recorded, in order and apart from each other; all of them lie therein, and between them nothing is known.
void addRequestTracks(TrackList& list, const std::vector<TimeRange>& windows);

} // namespace gantry::trace
