#pragma once

#include "widgets/timeline/timeline_frame.h"

#include <QMetaType>
#include <QSize>

namespace gantry::widgets {

/// How long one paint of a timeline took, and what it drew.
struct FrameTimes
{
    DurationNs compose = 0; ///< of the rows, headers, ruler and minimap; 0: those of the frame before were shown again
    DurationNs show = 0;    ///< copying it to the window, and the overlay
    bool isComposed = false;
    QSize shown;          ///< device px that were repainted: all, or the box of what the overlay touched
    FrameContent content; ///< of the frame that is shown
    TimeRange view;

    [[nodiscard]] DurationNs total() const { return compose + show; }
};

} // namespace gantry::widgets

Q_DECLARE_METATYPE(gantry::widgets::FrameTimes)
