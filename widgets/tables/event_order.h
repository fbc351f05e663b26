#pragma once

#include "widgets/tables/event_cells.h"

#include <functional>
#include <stop_token>
#include <vector>

namespace gantry::widgets {

/// Puts events, which are in order of start, in that of a column; those that are equal in it stay as they are. Phases of requests stand
/// by the names of the phases. About 30 ns and 16 bytes for each of millions. Any thread; `progress` is told 0..1, and events are in no
/// particular order when asked to stop.
void sortEvents(const trace::Trace& trace, std::vector<trace::EventId>& events, EventColumn column, Qt::SortOrder order,
                const std::function<void(double)>& progress = {}, const std::stop_token& stop = {});

} // namespace gantry::widgets
