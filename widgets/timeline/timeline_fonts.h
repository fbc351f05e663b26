#pragma once

#include <QFont>

#include <algorithm>

namespace gantry::widgets {

/// The sizes of text in a timeline.
struct TimelineFonts
{
    QFont normal; ///< names of rows
    QFont small;  ///< everything else

    explicit TimelineFonts(const QFont& font) : normal(font), small(font) { small.setPointSizeF(std::max(6.5, font.pointSizeF() * 0.85)); }
};

} // namespace gantry::widgets
