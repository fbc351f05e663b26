#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// One curve of an answer.
struct QueryCurve
{
    std::map<std::string, std::string> labels;
    std::vector<Point> points; ///< oldest first; absent is absent
};

/// A question to live series, as dashboards write it; a small part of PromQL on a window that is there already:
///   gpu_power_w                               a gauge as it is
///   rate(nv_inference_count{model="bert"})    growth of a counter, per second; nothing across a restart
///   delta(nv_inference_count)                 the same, not per second: since the beginning of the window
///   p99(vllm:time_to_first_token_seconds)     percentile of what a histogram counted lately, or of a summary that publishes it
///   rate(a) / rate(b), a * 100, (a - b)       where both were measured; one of fewer labels matches all that have those
///   sum by (gpu) (a), max(a), avg(a), min(a)  curves together
///   any(new_name, old_name)                   the first that has series: servers rename what they publish
/// Immutable; any thread. One that was not parsed asks for nothing.
class MetricQuery
{
public:
    /// Errors: BadInput, says where and what was expected.
    [[nodiscard]] static Result<MetricQuery> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return m_text; }
    /// Names of the series it asks for; of percentiles all that they may be made of.
    [[nodiscard]] std::vector<std::string> names() const;

    /// `rateBase`: rates and percentiles are taken over at least that.
    [[nodiscard]] std::vector<QueryCurve> evaluate(const SeriesStore& store, TimeRange window, DurationNs rateBase) const;

private:
    struct Node;
    class Parser;
    class Evaluation;
    std::string m_text;
    std::shared_ptr<const Node> m_root;
};

} // namespace gantry::metrics
