#pragma once

#include "widgets/timeline/timeline_state.h"

#include <vector>

class QFont;
class QPainter;

namespace gantry::widgets {

/// Paints a timeline as shapes and text, for documents that are sharp at any size; the screen is drawn by TimelineFrame, which shares
/// the layout. The cursor is left out.
void paintTimeline(QPainter& painter, const TimelineState& state, const std::vector<float>& activity, const QFont& font);

} // namespace gantry::widgets
