#pragma once

#include "widgets/timeline/row_arrangement.h"
#include "widgets/timeline/timeline_state.h"

#include <optional>

class QPainter;
class QPoint;

namespace gantry::widgets {

/// Where a row that is dragged by its header would come to lie if it were let go at a point of the widget: among the shown rows of its
/// parent, or among the pinned ones. Nothing: the row is not shown.
[[nodiscard]] std::optional<RowDrop> rowDropAt(const TimelineState& state, const RowArrangement& arrangement, trace::TrackId row,
                                               QPoint point);

/// Puts the row there. False: it is there already.
bool applyDrop(const trace::Trace& trace, RowArrangement& arrangement, const RowDrop& drop);

/// The line where it would come to lie, and a tint over what is dragged.
void paintRowDrop(QPainter& painter, const TimelineState& state);

} // namespace gantry::widgets
