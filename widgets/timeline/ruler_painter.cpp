#include "widgets/timeline/ruler_painter.h"

#include "widgets/theme/format.h"
#include "widgets/timeline/mark_painter.h"

#include <QFontMetrics>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kTickDistance = 110; // px between labelled ticks at least
constexpr int kLabelGap = 3, kLabelMargin = 14;

/// The view as the ruler counts: from the report's start.
TimeAxis relativeAxis(const TimelineState& state, int widthPx)
{
    const TimestampNs origin = state.trace->time.start;
    return {{state.view.start - origin, state.view.end - origin}, widthPx};
}

/// From here on a time is read as on a clock.
constexpr TimestampNs kClockFrom = 3'600'000'000'000;

} // namespace

QString rulerText(const TimelineState& state, TimestampNs time, DurationNs step)
{
    const bool isClock = state.view.end - state.trace->time.start >= kClockFrom; // one way for a whole ruler
    return isClock ? formatClock(time, step) : formatTime(time, step);
}

DurationNs rulerStep(const TimelineState& state, const QFont& font)
{
    const TimeAxis axis = relativeAxis(state, state.geometry.plotWidth());
    const DurationNs step = axis.tickStep(kTickDistance);
    // Far from the start a short step needs many digits.
    const int needed = QFontMetrics(font).horizontalAdvance(rulerText(state, axis.range().end, step)) + kLabelMargin;
    return needed <= kTickDistance ? step : axis.tickStep(needed);
}

std::vector<int> gridPositions(const TimelineState& state, DurationNs step, qreal pixelRatio)
{
    const TimeAxis axis = relativeAxis(state, static_cast<int>(std::lround(state.geometry.plotWidth() * pixelRatio)));
    std::vector<int> positions;
    for (const TimestampNs tick : axis.ticks(step))
        positions.push_back(static_cast<int>(axis.toX(tick)));
    return positions;
}

void paintRuler(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    const QRect area = state.geometry.ruler();
    painter.save();
    painter.setClipRect(area);
    painter.fillRect(area, state.theme->header);
    painter.setFont(fonts.small);
    const DurationNs step = rulerStep(state, fonts.small);
    const TimeAxis axis = relativeAxis(state, area.width());
    const QFontMetrics metrics(fonts.small);
    const std::vector<QRect> flags = markFlags(state, fonts.small);
    for (const TimestampNs tick : axis.ticks(std::max<DurationNs>(1, step / 5))) {
        const int x = area.left() + static_cast<int>(std::floor(axis.toX(tick)));
        const bool isLabelled = tick % step == 0;
        painter.setPen(state.theme->border);
        painter.drawLine(x, area.bottom() - (isLabelled ? 9 : 4), x, area.bottom());
        if (!isLabelled)
            continue;
        const QString label = rulerText(state, tick, step);
        const QRect place(x + kLabelGap, area.top(), metrics.horizontalAdvance(label), area.height() - 5);
        if (place.right() >= area.right())
            continue; // the end of a number that is cut off makes it another number
        if (std::any_of(flags.begin(), flags.end(), [&place](const QRect& flag) { return flag.intersects(place); }))
            continue; // so does a flag before it
        painter.setPen(state.theme->rulerText);
        painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, label);
    }
    painter.restore();
}

} // namespace gantry::widgets
