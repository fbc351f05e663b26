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

void paintFoldMark(QPainter& painter, int left, qreal middle, bool isFolded, const QColor& color)
{
    QPainterPath triangle;
    if (isFolded) {
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

/// "23.5 %, kernels 98 %" as it is, or less of it, but no number without its unit.
QString fittingDetail(const QString& detail, const QFontMetrics& metrics, int width)
{
    for (const QString& text : {detail, detail.section(QLatin1Char(','), 0, 0), detail.left(detail.indexOf(QLatin1Char('%')) + 1)})
        if (!text.isEmpty() && metrics.horizontalAdvance(text) <= width)
            return text;
    return metrics.elidedText(detail, Qt::ElideRight, width);
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
    const auto& chosen = state.chosenRows;
    if (std::find(chosen.begin(), chosen.end(), row.track) != chosen.end()) {
        QColor tint = theme.accent;
        tint.setAlphaF(0.22);
        painter.fillRect(QRect(0, y, width, row.height), tint);
        painter.fillRect(QRect(0, y, 3, row.height), theme.accent);
    }
    painter.setPen(theme.gridLine);
    painter.drawLine(0, y + row.height - 1, width, y + row.height - 1);

    const int left = kPadding + row.indent * kIndent;
    QRect line(left + kFoldMark, y, width - left - kFoldMark - kPadding, std::min(row.height, kLine));
    if (row.hasChildren || !isGroup)
        paintFoldMark(painter, left, line.center().y() + 1, row.isFolded, theme.weakText);

    QFont font = fonts.normal;
    font.setBold(isGroup && row.indent == 0);
    const QString name = toQString(track.name);
    const QFontMetrics metrics(font), smallMetrics(fonts.small);
    if (track.kind == trace::TrackKind::Counter) {
        line.setRight(line.right() - valueAxisWidth(state, row, fonts.small));
        paintValueAxis(painter, state, row, fonts.small);
    }
    const auto requests = state.chosenRequests.find(row.track);
    QString detail = toQString(requests == state.chosenRequests.end() ? track.detail : requests->second.detail);
    // What a pinned row is of, its place does not say.
    if (row.isPinned && row.indent == 0 && !track.parent.isNone()) {
        const QString parent = toQString(state.trace->track(track.parent).name);
        detail = detail.isEmpty() ? parent : tr("%1 · %2").arg(parent, detail);
    }
    if (!detail.isEmpty()) {
        // The name comes first: what it leaves is the detail's, but for a quarter.
        const int room = line.width() - metrics.horizontalAdvance(name) - kPadding;
        const int detailWidth =
            std::min(smallMetrics.horizontalAdvance(detail) + 1, std::clamp(room, line.width() / 4, line.width() * 6 / 10));
        painter.setFont(fonts.small);
        painter.setPen(theme.weakText);
        painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, fittingDetail(detail, smallMetrics, detailWidth));
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
    // Pinned rows cover what scrolls below them.
    for (const bool isPinned : {false, true}) {
        if (isPinned)
            painter.fillRect(0, TimelineGeometry::rowsTop(), state.geometry.headerWidth, state.layout.pinnedHeight(), state.theme->header);
        for (const TimelineRow& row : state.layout.rows())
            if (row.isPinned == isPinned && isVisible(state, row))
                paintHeader(painter, state, row, fonts);
    }
    painter.restore();
}

void paintPinnedEdge(QPainter& painter, const TimelineState& state)
{
    if (const int height = state.layout.pinnedHeight(); height > 0)
        painter.fillRect(0, TimelineGeometry::rowsTop() + height - 2, state.geometry.size.width(), 2, state.theme->accent);
}

void paintNoRows(QPainter& painter, const TimelineState& state)
{
    if (!state.layout.rows().empty())
        return;
    painter.setPen(state.theme->weakText);
    painter.drawText(state.geometry.rows().adjusted(40, 40, -40, -40), Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap,
                     state.filter.isEmpty() ? tr("All rows are hidden.\n\nCtrl+Shift+H shows them again.")
                                            : tr("No row's name holds “%1”.\n\nEsc in the filter field shows all rows.").arg(state.filter));
}

void paintCorner(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    const QRect corner = state.geometry.corner();
    painter.fillRect(corner, state.theme->header);
    painter.setFont(fonts.small);
    painter.setPen(state.theme->weakText);
    const QString whole = state.trace->meta.isPreview ? tr("sample: %1") : tr("whole report: %1");
    const QFontMetrics metrics(fonts.small);
    QRect line(corner.left() + kPadding, 1, corner.width() - 2 * kPadding, TimelineGeometry::kMinimapHeight / 2);
    const auto draw = [&](const QString& text) {
        painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(text, Qt::ElideRight, line.width()));
        line.translate(0, line.height());
    };
    draw(whole.arg(formatDuration(state.trace->time.duration())));
    const QString view = tr("view: %1").arg(formatDuration(state.view.duration()));
    draw(state.hiddenRows > 0 ? tr("%1 · %2 hidden").arg(view, state.hiddenRows == 1 ? tr("1 row") : tr("%1 rows").arg(state.hiddenRows))
                              : view);
    if (!state.filter.isEmpty())
        draw(tr("rows with “%1”").arg(state.filter));
}

} // namespace gantry::widgets
