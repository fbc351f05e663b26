#pragma once

#include "trace_model/trace/trace.h"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry::analysis {

/// Distribution of one quantity in ns. Percentiles are nearest-rank. count 0: the others mean nothing.
struct Distribution
{
    std::size_t count = 0;
    DurationNs min = 0, p50 = 0, p95 = 0, p99 = 0, max = 0, total = 0;
    [[nodiscard]] double mean() const { return count ? static_cast<double>(total) / static_cast<double>(count) : 0.0; }
};

[[nodiscard]] Distribution distributionOf(std::vector<DurationNs> values);

/// The value at a share of them (0..1), nearest rank. `sorted`: rising, at least one.
[[nodiscard]] DurationNs nearestRank(std::span<const DurationNs> sorted, double share);

/// The most there is where the sum is more: only times of a damaged file add up to three centuries.
[[nodiscard]] inline DurationNs addDurations(DurationNs a, DurationNs b)
{
    DurationNs sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<DurationNs>::max() : sum;
}

/// Where requests spent their time, over a selection. Requests cut by the window are left out and counted.
struct RequestBreakdown
{
    std::size_t requests = 0;       ///< complete ones
    std::size_t cutByWindow = 0;
    std::size_t failed = 0;
    std::size_t executions = 0;
    std::optional<double> averageBatch; ///< members per execution that has any; absent: none has
    double requestsPerSecond = 0;   ///< complete requests over the window's length
    Distribution latency;
    std::array<Distribution, records::kRequestPhaseCount> phases; ///< count 0: the phase does not occur
    Distribution outside; ///< what is left of each request's latency: waking threads, reading the request, sending the answer
};

/// How much of a request's time lies in none of its phases. Any thread.
[[nodiscard]] DurationNs outsidePhases(const trace::Request& request);

/// Breakdown of all requests (or those of one model) that lie in `window`. Any thread.
[[nodiscard]] RequestBreakdown requestBreakdown(const trace::Trace& trace, std::optional<TimeRange> window = {}, std::string_view model = {});

/// Names of the models that have requests, the one whose requests took most time in sum first.
[[nodiscard]] std::vector<std::string> modelsByTime(const trace::Trace& trace);

/// Complete requests, the slowest first. Any thread.
[[nodiscard]] std::vector<trace::RequestIndex> slowestRequests(const trace::Trace& trace);

/// Share of a request's peers (complete, same model) that were at most as slow in `phase`: 0..1; absent when it has no such phase.
[[nodiscard]] std::optional<double> phasePercentile(const trace::Trace& trace, trace::RequestIndex request, records::RequestPhase phase);

} // namespace gantry::analysis
