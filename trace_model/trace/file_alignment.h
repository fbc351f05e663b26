#pragma once

#include "trace_model/base/time.h"
#include "trace_model/import/import_report.h"
#include "trace_model/import/trace_meta.h"

#include <optional>

namespace gantry::trace {

/// What puts the times of one file on the clock of another.
struct FileAlignment
{
    importing::Alignment alignment = importing::Alignment::First;
    DurationNs offset = 0; ///< to be added to its times
    std::optional<DurationNs>
        zone; ///< of LocalTime: how far the local time of the one that has one is taken to be ahead of UTC; absent: both have one
    std::optional<DurationNs> errorNs = {}; ///< of SharedClock
};

/// Windows of one session on several nodes go by the clock that who started them measured the nodes against. Else by
/// the clocks of two files, and from when to when each one's events are as it tells time itself (empty: it has none). A local time of an
/// unknown zone is read as UTC where the recordings overlap then, else with the one zone that lets them overlap; where several would,
/// or none, it says nothing.
[[nodiscard]] FileAlignment alignFiles(const importing::TraceMeta& first, TimeRange firstTime, const importing::TraceMeta& other,
                                       TimeRange otherTime);

struct Trace;

/// How far apart one instant on two nodes may lie, at most, on a trace of several of them; absent: it is of one, or they share no clock
/// whose error was measured.
[[nodiscard]] std::optional<DurationNs> errorBetweenNodes(const Trace& trace);

} // namespace gantry::trace
