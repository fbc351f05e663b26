#pragma once

#include "trace_model/analysis/duration_histogram.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <span>
#include <vector>

namespace gantry::analysis {

/// What the events of one group sum up to.
struct DurationGroup
{
    Distribution duration;
    DurationHistogram histogram{}; ///< from the shortest to the longest
    std::uint64_t bytes = 0;
    std::uint32_t longestRow = 0; ///< the first of the rows that last longest
};

/// Durations of the selected rows by group: row r is of group `groups[numbers[r]]`, numbered from 0 to groupCount - 1; those of no
/// group (a number from groupCount on) are left out. `bytes`: of each row, may be empty. Exact. A few ns per row on kWorkers
/// threads: fast enough to follow a selection that is being dragged over ten million events.
[[nodiscard]] std::vector<DurationGroup> groupDurations(const trace::EventColumns& columns, const trace::RowSelection& rows,
                                                        const trace::Column<std::uint32_t>& numbers, std::span<const std::uint32_t> groups,
                                                        std::size_t groupCount, std::span<const std::uint64_t> bytes = {});

/// The same of plain durations, as distributionOf() does it but faster: linear in their number.
[[nodiscard]] Distribution distributionOfMany(std::span<const DurationNs> durations);

} // namespace gantry::analysis
