#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gantry::analysis {

/// How many durations lie in each of equal steps of the logarithm from the shortest to the longest: the shape of a distribution. All of
/// the same length are in the first.
using DurationHistogram = std::array<std::uint32_t, 24>;

/// Shortest and longest of a group of durations.
struct DurationBounds
{
    DurationNs min = 0, max = 0;
};

[[nodiscard]] DurationHistogram durationHistogram(std::span<const DurationNs> durations, DurationBounds bounds);

/// Of each group: row r is of group `groups[numbers[r]]`, those of no group are left out, as groupDurations() has them. A few ns per row
/// on kWorkers threads.
[[nodiscard]] std::vector<DurationHistogram> durationHistograms(const trace::EventColumns& columns, const trace::RowSelection& rows,
                                                                const trace::Column<std::uint32_t>& numbers,
                                                                std::span<const std::uint32_t> groups,
                                                                std::span<const DurationBounds> bounds);

} // namespace gantry::analysis
