#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace gantry::report {

/// What a server did in one of the spans that are compared.
struct CostSpan
{
    DurationNs length = 0;
    std::uint64_t requests = 0;               ///< that were completed
    std::optional<DurationNs> mean, p50, p99; ///< of their latency; absent: the server does not say, or there were too few

    [[nodiscard]] double requestsPerSecond() const
    {
        return length > 0 ? static_cast<double>(requests) * 1e9 / static_cast<double>(length) : 0;
    }
    friend bool operator==(const CostSpan&, const CostSpan&) = default;
};

/// A percentile in the window less that beside it.
struct CostDifference
{
    DurationNs value = 0;
    DurationNs error = 0; ///< one standard deviation, from the number of requests and the width of the histogram's buckets

    friend bool operator==(const CostDifference&, const CostDifference&) = default;
};

/// What a window cost its target and the node: the same figures for spans of the same length before, in and after it. What was not
/// measured is absent, and a sentence says why.
struct WindowCost
{
    std::optional<CostSpan> before, during, after;
    std::optional<double> ratio; ///< requests per second in the window over those beside it, minus 1
    std::optional<double> error; ///< one standard deviation of `ratio`: what a window of this length would show without any cost
    std::optional<CostDifference> p50, p99;
    std::string whyNoRate, whyNoLatency, whyNoAfter; ///< parts of sentences; empty: it is there
    std::optional<DurationNs> targetCpu;             ///< of the threads of the capture library in the target's processes, window and flush
    std::optional<DurationNs> daemonCpu;             ///< of the thread of gantryd that takes what they wrote, in the same time
    std::optional<std::uint64_t> recordBytes;        ///< that were recorded

    /// As rows of META_DATA_CAPTURE (meta_keys.h, GANTRY_COST_*). Those of an earlier state that are gone are empty.
    [[nodiscard]] std::map<std::string, std::string> rows() const;
    /// From such rows. Nothing in them: nothing was measured.
    [[nodiscard]] static WindowCost of(const std::map<std::string, std::string>& rows);

    friend bool operator==(const WindowCost&, const WindowCost&) = default;
};

} // namespace gantry::report
