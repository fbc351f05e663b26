#pragma once

#include "remote_server/inference/latency_summaries.h"
#include "remote_server/inference/machine_metrics.h"
#include "remote_server/inference/server.h"

#include <functional>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// What /metrics shows: tritonserver's --metrics-config and the flags beside it.
struct MetricsOptions
{
    bool counterLatencies = true;   ///< nv_inference_…_duration_us
    bool histogramLatencies = true; ///< nv_inference_first_response_histogram_ms. tritonserver: off, and only for decoupled models
    bool summaryLatencies = false;  ///< nv_inference_…_summary_us
    std::vector<double> quantiles{0.5, 0.9, 0.95, 0.99, 0.999};
    /// The families of Triton 22.07 alone: failures without a reason, the cache's times in three counters, and nothing that came later.
    bool oldNames = false;
    MachineMetrics::Options machine;
};

/// Adds what one flag --metrics-config says: "counter_latencies=false", "summary_quantiles=0.5:0.05,0.9:0.01", … Errors: BadInput.
[[nodiscard]] Result<void> applyMetricsFlag(const std::string& flag, MetricsOptions& options);

/// The text of /metrics, with Triton's names, types and labels. The numbers of models are those of their statistics at that moment: sums of
/// whole nanoseconds, so that nothing is lost between two of them. Any thread.
class Metrics
{
public:
    explicit Metrics(const MetricsOptions& options);

    /// A request that succeeded.
    void add(const ModelDescription& model, const RequestTimes& times, bool cacheHit);
    /// `droppedTraces`: of the tracer, which Triton has no metric for.
    [[nodiscard]] std::string text(const InferenceServer& server, std::uint64_t droppedTraces = 0) const;

private:
    const MetricsOptions m_options;
    LatencySummaries m_summaries;
    MachineMetrics m_machine;
};

} // namespace gantry::inference_server
