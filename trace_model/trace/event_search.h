#pragma once

#include "trace_model/trace/trace.h"

#include <stop_token>
#include <string_view>
#include <vector>

namespace gantry::trace {

/// Events whose name holds `text`, whatever the case: kernels by short or full name, API calls, NVTX ranges and marks, memcpys
/// ("HtoD", "pageable"), memsets, synchronizations, overhead, and requests by id or client id (as their first phase). Ordered by start. Any thread; linear in the
/// number of events, returns what it has when asked to stop. Empty text finds nothing.
[[nodiscard]] std::vector<EventId> findEvents(const Trace& trace, std::string_view text, const std::stop_token& stop = {});

/// Events of a range, ordered by start.
struct EventList
{
    std::vector<EventId> events; ///< the first `limit` of them
    std::size_t total = 0;       ///< how many there are
};

/// Events of all kinds that start in `range`, ordered by start. Any thread; returns what it has when asked to stop.
[[nodiscard]] EventList eventsIn(const Trace& trace, TimeRange range, std::size_t limit, const std::stop_token& stop = {});

} // namespace gantry::trace
