#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

#include <QRect>

#include <vector>

class QPainter;

namespace gantry::widgets {

/// The user's marks: a flag with its text on the ruler, a line through the rows (a band for a range), and a tick on the minimap.
void paintMarks(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

/// Where the texts of the marks are on the ruler, by mark: beside each other where their times are close. Null: outside the view, or
/// where there is no room for all of them.
[[nodiscard]] std::vector<QRect> markFlags(const TimelineState& state, const QFont& font);

} // namespace gantry::widgets
