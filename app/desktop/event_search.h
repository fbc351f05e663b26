#pragma once

#include "trace_model/trace/trace.h"

#include <stop_token>
#include <string_view>
#include <vector>

namespace gantry::desktop {

/// Events whose name holds `text`, whatever the case: kernels by short or full name, API calls, NVTX ranges and marks, memcpys
/// ("HtoD", "pageable"), and requests by id or client id (as their first phase). Ordered by start. Any thread; linear in the
/// number of events, returns what it has when asked to stop. Empty text finds nothing.
[[nodiscard]] std::vector<trace::EventId> findEvents(const trace::Trace& trace, std::string_view text, const std::stop_token& stop = {});

} // namespace gantry::desktop
