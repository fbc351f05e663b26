#include "app/desktop/tour_summary.h"

#include "trace_model/analysis/request_breakdown.h"

#include <fmt/format.h>

namespace gantry::desktop {

std::string tourSummary(const trace::Trace& trace, const proto::CaptureStatus& status)
{
    const auto breakdown = analysis::requestBreakdown(trace);
    const auto distribution = [](const analysis::Distribution& d) {
        return d.count ? fmt::format("p50 {:>10}   p99 {:>10}", formatDuration(d.p50), formatDuration(d.p99)) : std::string("none in the window");
    };
    const auto phase = [&](records::RequestPhase which) { return distribution(breakdown.phases[static_cast<std::size_t>(which)]); };

    std::string text;
    text += fmt::format("requests   {} complete, {:.1f}/s, {} cut by the window, {} failed\n", breakdown.requests, breakdown.requestsPerSecond,
                        breakdown.cutByWindow, breakdown.failed);
    text += fmt::format("batches    {} executions, {:.2f} requests each\n", breakdown.executions, breakdown.averageBatch);
    text += fmt::format("latency    {}\n", distribution(breakdown.latency));
    text += fmt::format("queue      {}\n", phase(records::RequestPhase::Queue));
    text += fmt::format("input      {}\n", phase(records::RequestPhase::ComputeInput));
    text += fmt::format("infer      {}\n", phase(records::RequestPhase::ComputeInfer));
    text += fmt::format("output     {}\n", phase(records::RequestPhase::ComputeOutput));
    text += fmt::format("events     {} kernels, {} memcpys, {} API calls, {} NVTX ranges\n", trace.kernels.size(), trace.memcpys.size(),
                        trace.apiCalls.size(), trace.nvtxRanges.size());
    text += fmt::format("dropped    {}{}\n", droppedTotal(trace.losses), trace.meta.complete ? "" : ", the report is incomplete");
    text += fmt::format("window     {}, opened in {}, closed in {}, cost {}\n", formatDuration(trace.time.duration()), formatDuration(status.openCostNs),
                        formatDuration(status.closeCostNs),
                        trace.meta.windowCostRatio ? fmt::format("{:+.1f} % req/s", *trace.meta.windowCostRatio * 100) : std::string("not measured"));
    return text;
}

} // namespace gantry::desktop
