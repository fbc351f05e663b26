#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QPoint>

#include <optional>

namespace gantry::widgets {

/// The edge of a span that a point of the widget is meant to hit: the nearest of its lane within `reachPx`, of spans that are wide
/// enough to be told apart. Nothing outside the lanes.
[[nodiscard]] std::optional<SnapPoint> edgeNear(const TimelineState& state, QPoint point, int reachPx);

} // namespace gantry::widgets
