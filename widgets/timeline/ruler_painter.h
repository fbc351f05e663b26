#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

class QPainter;

namespace gantry::widgets {

/// A time since the report's start as the ruler has it: "12.5 ms", and as on a clock where the view is hours from the start.
[[nodiscard]] QString rulerText(const TimelineState& state, TimestampNs time, DurationNs step);

/// Distance of labelled ticks: round, and far enough apart for the labels that this view needs.
[[nodiscard]] DurationNs rulerStep(const TimelineState& state, const QFont& font);

/// Where the labelled ticks are, in pixels from the plot's left edge: the ruler's and the grid's below it.
[[nodiscard]] std::vector<int> gridPositions(const TimelineState& state, DurationNs step, qreal pixelRatio);

void paintRuler(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

} // namespace gantry::widgets
