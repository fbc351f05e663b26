#include "widgets/timeline/header_painter.h"

#include "widgets/theme/format.h"
#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/lane_layout.h"

#include <QCoreApplication>
#include <QFontMetrics>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kIndent = 14; // px a level
constexpr int kPadding = 8;
constexpr int kFoldMark = 13; // px it takes before the name
constexpr int kLine = 24;     // px: the name stands at the top of a tall row

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::widgets::HeaderPainter", text);
}

void paintFoldMark(QPainter& painter, int left, qreal middle, bool isCollapsed, const QColor& color)
{
    QPainterPath triangle;
    if (isCollapsed) {
        triangle.moveTo(left, middle - 4);
        triangle.lineTo(left + 5, middle);
        triangle.lineTo(left, middle + 4);
    } else {
        triangle.moveTo(left - 1, middle - 2);
        triangle.lineTo(left + 7, middle - 2);
        triangle.lineTo(left + 3, middle + 3);
    }
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.fillPath(triangle, color);
    painter.setRenderHint(QPainter::Antialiasing, false);
}

void paintHeader(QPainter& painter, const TimelineState& state, const TimelineRow& row, const TimelineFonts& fonts)
{
    const trace::Track& track = state.trace->track(row.track);
    const Theme& theme = *state.theme;
    const int width = state.geometry.headerWidth;
    const int y = screenY(state, row.y);
    const bool isGroup = track.kind == trace::TrackKind::Group;
    if (isGroup)
        painter.fillRect(QRect(0, y, width, row.height), theme.groupRow);
    painter.setPen(theme.gridLine);
    painter.drawLine(0, y + row.height - 1, width, y + row.height - 1);

    const int left = kPadding + row.indent * kIndent;
    QRect line(left + kFoldMark, y, width - left - kFoldMark - kPadding, std::min(row.height, kLine));
    if (row.hasChildren || !isGroup)
        paintFoldMark(painter, left, line.center().y() + 1, row.isCollapsed, theme.weakText);

    QFont font = fonts.normal;
    font.setBold(isGroup && row.indent == 0);
    const QString name = toQString(track.name);
    const QFontMetrics metrics(font), smallMetrics(fonts.small);
    if (track.kind == trace::TrackKind::Counter) {
        line.setRight(line.right() - valueAxisWidth(state, row, fonts.small));
        paintValueAxis(painter, state, row, fonts.small);
    }
    if (const QString detail = toQString(track.detail); !detail.isEmpty()) {
        // The name comes first: what it leaves is the detail's, but for a quarter.
        const int room = line.width() - metrics.horizontalAdvance(name) - kPadding;
        const int detailWidth =
            std::min(smallMetrics.horizontalAdvance(detail) + 1, std::clamp(room, line.width() / 4, line.width() * 6 / 10));
        painter.setFont(fonts.small);
        painter.setPen(theme.weakText);
        painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, smallMetrics.elidedText(detail, Qt::ElideRight, detailWidth));
        line.setRight(line.right() - detailWidth - 6);
    }
    painter.setFont(font);
    painter.setPen(theme.text);
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(name, Qt::ElideMiddle, line.width()));
}

} // namespace

void paintHeaders(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    painter.save();
    painter.setClipRect(state.geometry.header());
    painter.fillRect(state.geometry.header(), state.theme->header);
    for (const TimelineRow& row : state.layout.rows()) {
        if (isVisible(state, row))
            paintHeader(painter, state, row, fonts);
    }
    painter.restore();
}

void paintCorner(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    const QRect corner = state.geometry.corner();
    painter.fillRect(corner, state.theme->header);
    painter.setFont(fonts.small);
    painter.setPen(state.theme->weakText);
    const QString whole = state.trace->meta.isPreview ? tr("sample: %1") : tr("whole report: %1");
    const QRect line = corner.adjusted(kPadding, 0, -kPadding, 0);
    painter.drawText(QRect(line.left(), 0, line.width(), TimelineGeometry::kMinimapHeight), Qt::AlignLeft | Qt::AlignVCenter,
                     whole.arg(formatDuration(state.trace->time.duration())));
    painter.drawText(QRect(line.left(), TimelineGeometry::kMinimapHeight, line.width(), TimelineGeometry::kRulerHeight),
                     Qt::AlignLeft | Qt::AlignVCenter, tr("view: %1").arg(formatDuration(state.view.duration())));
}

} // namespace gantry::widgets
