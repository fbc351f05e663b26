#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::trace {

/// How a name is compared with what is searched for. Case never counts.
enum class NameMatch
{
    Substring,
    Regex, ///< RE2 syntax, anywhere in the name
    Fuzzy, ///< all characters in order, others between them: "sgm" finds "sgemm"
};

struct NameQuery
{
    std::string text;
    NameMatch match = NameMatch::Substring;
};

/// What a person types: "/gemm.*fp16/" is a regular expression, "~sgm" fuzzy, anything else a substring.
[[nodiscard]] NameQuery parseNameQuery(std::string_view typed);

/// Events whose name matches: kernels by short or full name, calls, NVTX ranges and marks, memcpys ("HtoD", "pageable"), memsets,
/// synchronizations, graphs, overhead, and requests by id or client id (as their first phase). Ordered by start. Any thread; a few
/// ns per event, returns what it has when asked to stop. Empty text finds nothing. Errors: BadInput (no regular expression).
[[nodiscard]] Result<std::vector<EventId>> findEvents(const Trace& trace, const NameQuery& query, const std::stop_token& stop = {});

/// Events of a range, ordered by start.
struct EventList
{
    std::vector<EventId> events; ///< the first `limit` of them
    std::size_t total = 0;       ///< how many there are
};

/// Events of all kinds that start in `range`, ordered by start. Any thread; returns what it has when asked to stop.
[[nodiscard]] EventList eventsIn(const Trace& trace, TimeRange range, std::size_t limit, const std::stop_token& stop = {});

} // namespace gantry::trace
