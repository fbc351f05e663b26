#pragma once

#include "trace_model/trace/trace.h"

#include <vector>

namespace gantry::analysis {

/// Everything that worked for one request. What its batch did is shared with the peers, never divided or multiplied.
struct RequestActivity
{
    std::vector<trace::ExecutionIndex> executions; ///< by time; several where it is batched in flight, none: not executed in the window
    std::vector<trace::RequestIndex> peers;     ///< other members of the batches
    std::vector<trace::EventId> nvtxRanges;     ///< of the instance's thread in the executions
    std::vector<trace::EventId> apiCalls;       ///< CUDA API calls of the instance's thread in the executions
    std::vector<trace::EventId>
        gpuWork; ///< kernels, memcpys, memsets, graphs those calls launched (by correlation id), and what was launched before the window
    std::vector<trace::EventId> phases;         ///< the request's own phase events
};

/// Phase events of a request, by start. Any thread; O(log n + phases that start while the request runs).
[[nodiscard]] std::vector<trace::EventId> phasesOf(const trace::Trace& trace, trace::RequestIndex request);

/// Joins a request to its executions and through them to every API call, kernel and memcpy. Any thread; O(log n + events of the
/// executions' times and the second after each, in which its GPU work may still run).
[[nodiscard]] RequestActivity requestActivity(const trace::Trace& trace, trace::RequestIndex request);

/// Requests an event worked for: through the execution whose thread and time hold it (API call, NVTX range) or whose call
/// launched it (kernel, memcpy, memset), or, where that call was made before the window, that was under way on the thread which its
/// stream works for; the request itself for a phase. Empty: none.
[[nodiscard]] std::vector<trace::RequestIndex> requestsOf(const trace::Trace& trace, trace::EventId event);

/// The API call that launched a kernel, memcpy, memset or graph (same process, same correlation id; the runtime call where a driver
/// call shares the id), or none.
[[nodiscard]] trace::EventId launchOf(const trace::Trace& trace, trace::EventId gpuEvent);

/// The push/pop ranges of a thread that a call or range of it is in, or the call that launched work of a GPU; outermost first. Any thread;
/// O(log n) for each row of the thread.
[[nodiscard]] std::vector<trace::EventId> rangesAround(const trace::Trace& trace, trace::EventId event);

/// The kernels, memcpys, memsets and graphs that an API call launched; empty for an event of another kind.
[[nodiscard]] std::vector<trace::EventId> launchedBy(const trace::Trace& trace, trace::EventId apiCall);

} // namespace gantry::analysis
