#pragma once

#include "trace_model/trace/trace.h"

#include <optional>
#include <vector>

namespace gantry::widgets {

/// Where an event is drawn.
struct EventPlace
{
    trace::TrackId track;
    int depth = 0;
};

/// The places of an event: most have one, an NVTX range that executes a batch two (its instance and its thread). Costs
/// O(depths of all tracks · log n). Any thread.
[[nodiscard]] std::vector<EventPlace> placesOf(const trace::Trace& trace, trace::EventId event);

struct TimelineState;

/// The same as a timeline shows them now.
[[nodiscard]] std::vector<EventPlace> placesOf(const TimelineState& state, trace::EventId event);

} // namespace gantry::widgets
