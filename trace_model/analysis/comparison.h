#pragma once

#include "trace_model/analysis/kernel_stats.h"
#include "trace_model/analysis/request_breakdown.h"

#include <string>
#include <vector>

namespace gantry::analysis {

/// One line of a comparison: the same thing in A and in B. An absent side is absent (a kernel that only one of them has).
struct ComparisonRow
{
    std::string name;
    std::optional<double> a, b; ///< in `unit`
    std::string unit;           ///< "ns", "count", "1/s"
    std::optional<std::size_t> countA, countB;

    [[nodiscard]] std::optional<double> difference() const;  ///< b - a
    [[nodiscard]] std::optional<double> ratio() const;       ///< b / a; absent when a is 0
};

struct Comparison
{
    std::vector<ComparisonRow> summary; ///< req/s, latency p50/p99 (of each model where there are several), average batch
    std::vector<ComparisonRow> phases;  ///< p50 and p99 of each phase, likewise
    std::vector<ComparisonRow> kernels; ///< mean time of a call by kernel; first what costs or saves most over all calls
    std::vector<ComparisonRow> memcpys; ///< mean time of a copy by direction and memory kind
};

[[nodiscard]] Comparison compare(const trace::Trace& a, const trace::Trace& b);

} // namespace gantry::analysis
