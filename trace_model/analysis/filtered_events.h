#pragma once

#include "trace_model/analysis/event_filter.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <vector>

namespace gantry::analysis {

inline constexpr TimeRange kAlways{std::numeric_limits<TimestampNs>::min(), std::numeric_limits<TimestampNs>::max()};

/// Rows of each kind of events, in order.
using RowsByKind = std::array<std::vector<std::uint32_t>, trace::kEventKindCount>;

/// What becomes of ranges that were projected onto streams, see trace::GpuRangeColumns::isProjected().
enum class Projected
{
    LeftOut,
    Taken
};

/// The rows of events that meet a filter and intersect `window`. Names, streams and threads are looked at once each, not for each event:
/// about a ns per event and term on kWorkers threads. Any thread; returns what it has when asked to stop. Errors: BadInput (no regular
/// expression).
[[nodiscard]] Result<RowsByKind> filteredRows(const trace::Trace& trace, const EventFilter& filter, TimeRange window = kAlways,
                                              const std::stop_token& stop = {}, Projected projected = Projected::LeftOut);

/// Events that a person asks for, ordered by start: of a filter that is but a name those that trace::findEvents() finds, else those
/// that meet it. Nothing for a filter without terms. The same thread and errors.
[[nodiscard]] Result<std::vector<trace::EventId>> filteredEvents(const trace::Trace& trace, const EventFilter& filter,
                                                                 const std::stop_token& stop = {});

} // namespace gantry::analysis
