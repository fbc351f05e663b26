#pragma once

#include "trace_model/analysis/event_filter.h"
#include "trace_model/trace/name_matcher.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace gantry::analysis {

/// What worked for the requests that a filter names: their executions, and what the calls in those launched. Any thread once made.
class FilterWork
{
public:
    /// `key`: Request, of ids, or Model. A model is what its name or its name and version ("bert:1") says.
    FilterWork(const trace::Trace& trace, FilterKey key, const trace::NameMatcher& matcher, FilterOperator op);

    [[nodiscard]] bool hasRequest(trace::RequestIndex request) const
    {
        return request.value < m_requests.size() && m_requests[request.value] != 0;
    }
    /// Whether a call or range of that thread lies in one of the executions.
    [[nodiscard]] bool hasCall(std::uint64_t globalTid, TimestampNs start) const;
    /// Whether one of their calls launched it.
    [[nodiscard]] bool hasLaunched(std::uint64_t globalPid, std::uint32_t correlation) const;

private:
    std::vector<std::uint8_t> m_requests;                                   ///< by index
    std::unordered_map<std::uint64_t, std::vector<TimeRange>> m_executions; ///< by thread, by start
    std::vector<std::uint64_t> m_launches;                                  ///< sorted
    std::vector<std::uint8_t> m_mayBeLaunch;                                ///< by some bits of a launch: most of all work is told by it
};

} // namespace gantry::analysis
