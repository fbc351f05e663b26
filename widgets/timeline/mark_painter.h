#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

#include <QRect>

class QPainter;

namespace gantry::widgets {

/// The user's marks: a flag with its text on the ruler, a line through the rows (a band for a range), and a tick on the minimap.
void paintMarks(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

/// Where the text of a mark is on the ruler; null: outside the view.
[[nodiscard]] QRect markFlag(const TimelineState& state, const TimelineMark& mark, const QFont& font);

} // namespace gantry::widgets
