#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/metric_query.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// What /api/v1/query_range of a Prometheus server is asked: points at start, start + step, … up to end, in ns since 1970.
struct PrometheusRange
{
    static constexpr DurationNs kLeastStep = 1'000'000'000;
    /// A point of each series for each pixel at most; a server refuses more than 11,000 (web/api/v1, "exceeded maximum resolution").
    static constexpr int kMostPoints = 11'000;

    TimeRange time;
    DurationNs step = kLeastStep;

    /// The steps that a plot of this width and time needs: whole seconds, at multiples of the step, so that what is asked again a moment
    /// later has the same points.
    [[nodiscard]] static PrometheusRange forPlot(TimeRange time, int widthPx);

    friend bool operator==(const PrometheusRange&, const PrometheusRange&) = default;
};

/// Curves of an answer, in ns since 1970.
struct PrometheusCurves
{
    std::vector<QueryCurve> curves; ///< labels with __name__; points that are no number are left out: gaps
    std::size_t hidden = 0;         ///< series beyond the most that were asked for
    std::string warning;            ///< the first that the server gives: the answer may not be whole; empty: none
};

/// Reads the answer to a range query. Errors: BadInput, with the server's own message where there is one and with what to do. Any thread.
[[nodiscard]] Result<PrometheusCurves> readPrometheusAnswer(std::string_view json, std::size_t mostCurves);

} // namespace gantry::metrics
