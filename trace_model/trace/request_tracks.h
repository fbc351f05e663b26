#pragma once

#include "trace_model/trace/track_list.h"

namespace gantry::trace {

/// Adds what requests did: for each model their lanes, how many were in flight and in the queue, how large the batches were and how many
/// instances were busy; then a row for each instance's executions. Nothing for a trace without requests.
void addRequestTracks(TrackList& list);

} // namespace gantry::trace
