#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/name_matcher.h"
#include "trace_model/trace/trace.h"

#include <stop_token>
#include <vector>

namespace gantry::trace {

/// Events whose name matches: kernels by short or full name, calls, NVTX ranges and marks, memcpys ("HtoD", "pageable"), memsets,
/// synchronizations, graphs, overhead, and requests by id or client id (as their first phase). Ordered by start. Any thread; a few
/// ns per event, returns what it has when asked to stop. Empty text finds nothing. Errors: BadInput (no regular expression).
[[nodiscard]] Result<std::vector<EventId>> findEvents(const Trace& trace, const NameQuery& query, const std::stop_token& stop = {});

/// Lists that are each in order of start as one. Any thread.
[[nodiscard]] std::vector<EventId> mergedByStart(const Trace& trace, std::vector<std::vector<EventId>> lists);

} // namespace gantry::trace
