#include "widgets/timeline/timeline_picture.h"

#include "widgets/timeline/timeline_painter.h"

#include <QBuffer>
#include <QPainter>
#include <QSvgGenerator>

namespace gantry::widgets {

namespace {

void paint(QPaintDevice& device, TimelineState state, const QFont& font)
{
    state.cursor.reset();
    const auto activity = minimapActivity(*state.trace, state.geometry.plotWidth());
    QPainter painter(&device);
    painter.setFont(font);
    TimelinePainter(painter, state, activity, font).paint();
}

} // namespace

QImage timelineImage(const TimelineState& state, const QFont& font, qreal scale)
{
    QImage image(state.geometry.size * scale, QImage::Format_RGB32);
    image.setDevicePixelRatio(scale);
    paint(image, state, font);
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
    paint(generator, state, font);
    return buffer.data();
}

} // namespace gantry::widgets
