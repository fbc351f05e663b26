#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

class QPainter;

namespace gantry::widgets {

/// The column of names: a line for each visible row with its indent, fold mark, name and share, or a counter's axis.
void paintHeaders(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

/// The corner above it: how long the report and the view are.
void paintCorner(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

} // namespace gantry::widgets
