#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

#include <QRegion>

class QPainter;

namespace gantry::widgets {

/// What follows the mouse, drawn over the finished frame: the cursor with its time, an instant that something else points at, the measure
/// with its length and what its ends are held by, and the minimap's brush.
void paintOverlay(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

/// The pixels that paintOverlay() touches for a state: those that are repainted when it changes.
[[nodiscard]] QRegion overlayRegion(const TimelineState& state);

} // namespace gantry::widgets
