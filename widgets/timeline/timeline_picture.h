#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QByteArray>
#include <QFont>
#include <QImage>

#include <optional>

namespace gantry::widgets {

/// Which part of a timeline a picture shows.
struct PictureArea
{
    std::optional<TimeRange> time; ///< absent: what the screen shows
    bool hasAllRows = false;       ///< also those that lie above or below it
};

/// Height that no picture exceeds, screen pixels: rows below are left out.
inline constexpr int kTallestPicture = 12'000;

/// The state in which a timeline shows that area, as wide as it is now.
[[nodiscard]] TimelineState pictured(const TimelineState& state, const PictureArea& area);

/// What a timeline shows, headers, ruler and rows, as an image with `scale` pixels for each of the screen's. The mouse leaves no trace in
/// it.
[[nodiscard]] QImage timelineImage(const TimelineState& state, const QFont& font, qreal scale);

/// The same as an SVG document, sharp at any size.
[[nodiscard]] QByteArray timelineSvg(const TimelineState& state, const QFont& font);

} // namespace gantry::widgets
