#pragma once

#include "trace_model/analysis/event_filter.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <functional>
#include <stop_token>
#include <vector>

namespace gantry::analysis {

/// Which events of a trace a table is about.
struct EventScope
{
    TimeRange window;
    std::vector<trace::TrackId> tracks; ///< what is drawn on them and on those below them; empty: all, drawn or not
    EventFilter filter;                 ///< without terms: all
};

/// Told how much is done, 0..1. Any of several threads.
using ListProgress = std::function<void(double fraction)>;

/// All events of a scope that intersect its window, each once, ordered by start; of those that start together by kind and row. About
/// 10 ns an event on kWorkers threads. Any thread; returns nothing when asked to stop. Errors: BadInput (no regular expression).
[[nodiscard]] Result<std::vector<trace::EventId>> listEvents(const trace::Trace& trace, const EventScope& scope,
                                                             const ListProgress& progress = {}, const std::stop_token& stop = {});

} // namespace gantry::analysis
