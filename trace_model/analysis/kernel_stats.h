#pragma once

#include "trace_model/analysis/duration_histogram.h"
#include "trace_model/analysis/filtered_events.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/trace/trace.h"

#include <optional>
#include <string>
#include <vector>

namespace gantry::analysis {

/// What rows of an activity table are grouped by; the words of `gantryctl report stats --by`.
enum class GroupBy
{
    Kernel,
    Memcpy,
    Api,
    Nvtx,
    Stream, ///< kernels, memcpys, memsets, and launches of graphs whose kernels were not recorded
    Phase,
    Library,
    Os,
    Synchronization ///< by what was waited for
};

[[nodiscard]] std::optional<GroupBy> groupByFromName(std::string_view name);

/// One row of a statistics table.
struct ActivityRow
{
    std::string name;           ///< kernel short name, "HtoD Pageable", API name, "domain: text", "Stream 7", phase
    std::string model;          ///< of a phase: those of different models have nothing in common; else empty
    Distribution duration;
    std::uint64_t bytes = 0;    ///< memcpys and memsets
    double share = 0;           ///< of the table's total time, 0..1
    trace::EventId longest;     ///< the first of its events that last longest
    DurationHistogram histogram{}; ///< from the shortest to the longest

    /// "bert_base queue"; the name where there is no model.
    [[nodiscard]] std::string title() const { return model.empty() ? name : model + ' ' + name; }
};

/// What kernels are told apart by.
enum class KernelNames
{
    Short, ///< the function: one row for all its template arguments
    Full,  ///< as the compiler demangles it
};

/// Rows grouped and sorted by total time, longest first. Only events that intersect `window` count, with their whole duration. `only`: of
/// these alone, as filteredRows() finds them in the window; null: of all.
[[nodiscard]] std::vector<ActivityRow> activityTable(const trace::Trace& trace, GroupBy by, std::optional<TimeRange> window = {},
                                                     KernelNames names = KernelNames::Short,
                                                     const RowsByKind* only = nullptr);

/// The same of launches of CUDA graphs that were recorded as a whole, by graph.
[[nodiscard]] std::vector<ActivityRow> graphTable(const trace::Trace& trace, std::optional<TimeRange> window = {});

} // namespace gantry::analysis
