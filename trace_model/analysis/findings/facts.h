#pragma once

#include "trace_model/analysis/findings/gpu_facts.h"
#include "trace_model/analysis/findings/host_facts.h"
#include "trace_model/analysis/findings/idle_causes.h"
#include "trace_model/analysis/findings/serving_facts.h"
#include "trace_model/trace/trace.h"

#include <stop_token>
#include <vector>

namespace gantry::findings {

/// What several rules need to know of a trace, found out once. Borrows the trace. Any thread.
struct Facts
{
    const trace::Trace& trace;
    TimeRange window; ///< that was recorded, or what the events cover
    HostFacts host;
    ServingFacts serving;
    std::vector<GpuFacts> gpus;
    std::vector<IdleCauses> idle; ///< of each GPU, in the order of `gpus`

    Facts(const trace::Trace& ofTrace, const std::stop_token& stop);

    /// Part of the window, 0..1.
    [[nodiscard]] double shareOfWindow(DurationNs duration) const;
    [[nodiscard]] bool hasGpuWork() const { return !gpus.empty(); }
    [[nodiscard]] bool hasApiCalls() const { return trace.apiCalls.size() > 0; }
    /// Whether kernels of PyTorch ran, or its profiler recorded them.
    [[nodiscard]] bool isPyTorch() const;
    [[nodiscard]] bool hasRequests() const { return !serving.models.empty(); }
};

/// What was recorded: the window where the file says it, else the time of all events.
[[nodiscard]] TimeRange recordedWindow(const trace::Trace& trace);

} // namespace gantry::findings
