#include "widgets/timeline/overlay_painter.h"

#include "trace_model/trace/file_alignment.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/launch_links.h"
#include "widgets/timeline/mark_painter.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/row_drop.h"
#include "widgets/timeline/ruler_painter.h"

#include <QFontMetrics>
#include <QPainter>
#include <QPolygon>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kBoxPadding = 5; // px beside the text of a box on the ruler
constexpr int kSnapMark = 5;   // px that the mark of a held end reaches to the side

int xOf(const TimelineState& state, TimestampNs time)
{
    return state.geometry.headerWidth + static_cast<int>(state.axis().toX(time));
}

/// How far around the cursor an instant of its may lie on the rows of another node, px; 0 where that is no matter of this trace or zoom.
int uncertainWidth(const TimelineState& state)
{
    const auto error = trace::errorBetweenNodes(*state.trace);
    if (!error || state.view.isEmpty())
        return 0;
    const double pixels = static_cast<double>(*error) * state.geometry.rows().width() / static_cast<double>(state.view.duration());
    return static_cast<int>(std::min(pixels, 1e6));
}

/// The band in which what one node did at the cursor's time may lie on the rows of another.
void paintUncertainty(QPainter& painter, const TimelineState& state, int x)
{
    const QRect area = state.geometry.rows();
    const int width = uncertainWidth(state);
    QColor fill = state.theme->hover;
    fill.setAlpha(28);
    painter.fillRect(QRect(QPoint(x - width, area.top()), QPoint(x + width, area.bottom())) & area, fill);
}

/// The cursor's time, and what it may be wrong by for other nodes where that can be seen.
QString cursorText(const TimelineState& state, const TimelineFonts& fonts)
{
    const DurationNs step = rulerStep(state, fonts.small);
    QString text = rulerText(state, *state.cursor - state.trace->time.start, std::max<DurationNs>(1, step / 100));
    if (uncertainWidth(state) > 0)
        text += QStringLiteral(" ±") + formatDuration(*trace::errorBetweenNodes(*state.trace));
    return text;
}

void paintRulerBox(QPainter& painter, const TimelineState& state, const QFontMetrics& metrics, int middle, const QString& text,
                   const QColor& fill, const QColor& pen)
{
    const QRect area = state.geometry.ruler();
    const int width = metrics.horizontalAdvance(text) + 2 * kBoxPadding;
    const QRect box(std::clamp(middle - width / 2, area.left(), std::max(area.left(), area.right() - width)), area.top() + 3, width,
                    area.height() - 6);
    painter.fillRect(box, fill);
    painter.setPen(pen);
    painter.drawText(box, Qt::AlignCenter, text);
}

/// A dashed line with its time on the ruler, in the colour of what is pointed at.
void paintInstant(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts, const QFontMetrics& metrics)
{
    if (!state.instant || !state.view.contains(*state.instant))
        return;
    const QRect area = state.geometry.rows();
    const int x = xOf(state, *state.instant);
    painter.setPen(QPen(state.theme->accent, 1, Qt::DashLine));
    painter.drawLine(x, area.top(), x, area.bottom());
    const DurationNs step = std::max<DurationNs>(1, rulerStep(state, fonts.small) / 100);
    paintRulerBox(painter, state, metrics, x, rulerText(state, *state.instant - state.trace->time.start, step), state.theme->accent,
                  Theme::textOn(state.theme->accent));
}

/// Two triangles that hold an edge of a span between them, above and below.
void paintSnap(QPainter& painter, const TimelineState& state, const SnapPoint& snap)
{
    const TimelineRow* row = state.layout.rowOf(snap.track);
    if (!row || !state.view.contains(snap.time))
        return;
    const int x = xOf(state, snap.time);
    const int top = row->isCollapsed ? screenY(state, row->y) : screenY(state, row->depthY(snap.depth));
    const int bottom = top + (row->isCollapsed ? row->height : row->depthPaintedHeight());
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.setPen(QPen(state.theme->canvas, 1));
    painter.setBrush(state.theme->measure);
    painter.drawPolygon(QPolygon({QPoint(x - kSnapMark, top - kSnapMark), QPoint(x + kSnapMark, top - kSnapMark), QPoint(x, top + 1)}));
    painter.drawPolygon(
        QPolygon({QPoint(x - kSnapMark, bottom + kSnapMark), QPoint(x + kSnapMark, bottom + kSnapMark), QPoint(x, bottom - 1)}));
    painter.setPen(QPen(state.theme->measure, 2));
    painter.drawLine(x, top, x, bottom);
    painter.restore();
}

void paintMeasure(QPainter& painter, const TimelineState& state, const QFontMetrics& metrics)
{
    const QRect area = state.geometry.rows(), ruler = state.geometry.ruler();
    const TimeRange shown = *state.measure;
    const int left = std::max(xOf(state, shown.start), area.left() - 1), right = std::min(xOf(state, shown.end), area.right() + 1);
    if (right < area.left() || left > area.right())
        return;
    QColor fill = state.theme->measure;
    painter.fillRect(QRect(left, ruler.top() + 3, std::max(1, right - left), ruler.height() - 6), fill);
    const QString text = formatDuration(shown.duration());
    const int width = metrics.horizontalAdvance(text) + 2 * kBoxPadding;
    // Inside the bar where it fits, else beside it: to the right, or left of it at the edge.
    QRect box(left, ruler.top(), right - left, ruler.height());
    if (right - left < width) {
        const int beside = right + 2 + width <= ruler.right() ? right + 2 : left - 2 - width;
        box = QRect(beside, ruler.top() + 3, width, ruler.height() - 6);
        painter.fillRect(box, fill);
    }
    painter.setPen(Qt::white);
    painter.drawText(box, Qt::AlignCenter, text);

    painter.setClipRect(area);
    fill.setAlpha(36);
    painter.fillRect(QRect(left, area.top(), std::max(1, right - left), area.height()), fill);
    painter.setPen(state.theme->measure);
    painter.drawLine(left, area.top(), left, area.bottom());
    painter.drawLine(right, area.top(), right, area.bottom());
    for (const auto& snap : {state.snapStart, state.snapEnd})
        if (snap)
            paintSnap(painter, state, *snap);
}

} // namespace

void paintOverlay(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    painter.save();
    painter.setFont(fonts.small);
    const QFontMetrics metrics(fonts.small);
    paintMinimapBrush(painter, state);
    paintMarks(painter, state, fonts);
    paintLinks(painter, state, fonts);
    paintInstant(painter, state, fonts, metrics);
    const bool hasCursor = state.cursor && state.view.contains(*state.cursor);
    if (hasCursor) {
        const QRect area = state.geometry.rows();
        QColor line = state.theme->hover;
        line.setAlpha(70);
        painter.setPen(line);
        const int x = xOf(state, *state.cursor);
        if (uncertainWidth(state) > 0)
            paintUncertainty(painter, state, x);
        painter.drawLine(x, area.top(), x, area.bottom());
        if (!state.measure)
            paintRulerBox(painter, state, metrics, x, cursorText(state, fonts), state.theme->text, state.theme->canvas);
    }
    if (state.measure)
        paintMeasure(painter, state, metrics);
    paintRowDrop(painter, state);
    painter.restore();
}

QRegion overlayRegion(const TimelineState& state)
{
    if (!state.trace)
        return {};
    QRegion region;
    const QRect area = state.geometry.rows();
    if (state.measure) {
        const int left = xOf(state, state.measure->start), right = xOf(state, state.measure->end);
        region += QRect(QPoint(left - kSnapMark - 2, area.top()), QPoint(right + kSnapMark + 2, area.bottom())) & area;
    }
    for (const auto& snap : {state.snapStart, state.snapEnd})
        if (snap) {
            const int x = xOf(state, snap->time);
            region += QRect(x - kSnapMark - 2, area.top(), 2 * kSnapMark + 4, area.height()) & area;
        }
    if (state.cursor) {
        const int x = xOf(state, *state.cursor), reach = uncertainWidth(state) + 1;
        region += QRect(QPoint(x - reach, area.top()), QPoint(x + reach, area.bottom())) & area;
    }
    if (state.instant) {
        const int x = xOf(state, *state.instant);
        region += QRect(QPoint(x - 1, area.top()), QPoint(x + 1, area.bottom())) & area;
    }
    if (state.measure || state.cursor || state.instant)
        region += state.geometry.ruler();
    if (state.brush)
        region += state.geometry.minimap();
    if (state.drop)
        region += state.geometry.header() | state.geometry.rows();
    return region;
}

} // namespace gantry::widgets
