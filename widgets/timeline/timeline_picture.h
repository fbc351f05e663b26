#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QByteArray>
#include <QFont>
#include <QImage>

namespace gantry::widgets {

/// What a timeline shows, headers, ruler and rows, as an image with `scale` pixels for each of the screen's. The mouse leaves no trace in
/// it.
[[nodiscard]] QImage timelineImage(const TimelineState& state, const QFont& font, qreal scale);

/// The same as an SVG document, sharp at any size.
[[nodiscard]] QByteArray timelineSvg(const TimelineState& state, const QFont& font);

} // namespace gantry::widgets
