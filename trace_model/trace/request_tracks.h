#pragma once

#include "trace_model/trace/track_list.h"

#include <map>
#include <string>
#include <vector>

namespace gantry::trace {

/// Adds what requests did: for each model their lanes, how many were in flight and in the queue, how large the batches were and how many
/// instances were busy; then a row for each instance's executions. Nothing for a trace without requests. `windows`: when requests were
/// recorded, in order and apart from each other; all of them lie therein, and between them nothing is known.
void addRequestTracks(TrackList& list, const std::vector<TimeRange>& windows);

/// What a track shows of requests that are chosen anew when the view changes.
struct ChosenRequests
{
    std::vector<DepthRow> rows;
    std::string detail; ///< "20 of 314 requests in view"
};

/// What the tracks "Slowest first" show of a window: the longest complete requests that overlap it, one in a lane, the longest in the
/// first. By track. Any thread; O(requests).
[[nodiscard]] std::map<TrackId, ChosenRequests> slowestRequests(const Trace& trace, TimeRange window);

} // namespace gantry::trace
