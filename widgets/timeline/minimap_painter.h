#pragma once

#include "widgets/timeline/timeline_state.h"

#include <utility>
#include <vector>

class QPainter;

namespace gantry::widgets {

/// How much goes on in each of `widthPx` columns of the whole report, 0..1: GPU work where there is some, else executions,
/// requests or CPU threads.
[[nodiscard]] std::vector<float> minimapActivity(const trace::Trace& trace, int widthPx);

/// The minimap without what the view changes: the report's activity, and where matches are.
void paintMinimapActivity(QPainter& painter, const TimelineState& state, const std::vector<float>& activity);

/// The part of the report that the view shows: the rest is veiled, and its edges have handles.
void paintMinimapView(QPainter& painter, const TimelineState& state);

/// A range that is being dragged on the minimap.
void paintMinimapBrush(QPainter& painter, const TimelineState& state);

/// Pixels of the widget between which the view is on the minimap; at least a few.
[[nodiscard]] std::pair<int, int> minimapView(const TimelineState& state);

} // namespace gantry::widgets
