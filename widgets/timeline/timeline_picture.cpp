#include "widgets/timeline/timeline_picture.h"

#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/overlay_painter.h"
#include "widgets/timeline/timeline_frame.h"
#include "widgets/timeline/timeline_painter.h"

#include <QBuffer>
#include <QPainter>
#include <QSvgGenerator>

#include <algorithm>

namespace gantry::widgets {

TimelineState pictured(const TimelineState& state, const PictureArea& area)
{
    TimelineState shown = state;
    shown.view = area.time.value_or(state.view);
    if (area.hasAllRows) {
        shown.scrollY = 0;
        shown.geometry.size.setHeight(
            std::clamp(TimelineGeometry::rowsTop() + state.layout.height(), TimelineGeometry::rowsTop(), kTallestPicture));
    }
    return shown;
}

QImage timelineImage(const TimelineState& state, const QFont& font, qreal scale)
{
    TimelineState still = state;
    still.cursor.reset();
    still.instant.reset();
    TimelineFrame frame;
    QImage image = frame.compose(still, minimapActivity(*state.trace, state.geometry.plotWidth()), font, scale);
    QPainter painter(&image);
    paintOverlay(painter, still, TimelineFonts(font));
    return image;
}

QByteArray timelineSvg(const TimelineState& state, const QFont& font)
{
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(state.geometry.size);
    generator.setViewBox(QRect(QPoint(0, 0), state.geometry.size));
    // The generator clips nothing: that the painter draws headers and ruler after the rows covers what reaches out of them.
    QPainter painter(&generator);
    painter.setFont(font);
    paintTimeline(painter, state, minimapActivity(*state.trace, state.geometry.plotWidth()), font);
    painter.end();
    return buffer.data();
}

} // namespace gantry::widgets
