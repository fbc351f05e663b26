#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

class QPainter;

namespace gantry::widgets {

/// The column of names: a line for each visible row with its indent, fold mark, name and share, or a counter's axis.
void paintHeaders(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

/// The line between what is pinned and what scrolls.
void paintPinnedEdge(QPainter& painter, const TimelineState& state);

/// Why there are no rows, where a filter or the user left none.
void paintNoRows(QPainter& painter, const TimelineState& state);

/// The corner above it: how long the report and the view are, and what the rows are filtered by.
void paintCorner(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

} // namespace gantry::widgets
