#include "widgets/timeline/timeline_painter.h"

#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/header_painter.h"
#include "widgets/timeline/label_cache.h"
#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/overlay_painter.h"
#include "widgets/timeline/ruler_painter.h"
#include "widgets/timeline/span_colors.h"

#include <QFontMetrics>
#include <QPainter>

#include <algorithm>

namespace gantry::widgets {

namespace {

class RowsPainter
{
public:
    RowsPainter(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
        : m_painter(painter),
          m_state(state),
          m_fonts(fonts),
          m_metrics(fonts.small),
          m_layout(state, 1),
          m_colors(*state.trace, *state.theme)
    {
    }

    void paint()
    {
        // Pinned rows cover what scrolls below them.
        for (const bool isPinned : {false, true})
            paintRows(isPinned);
    }

private:
    void paintRows(bool isPinned)
    {
        paintBackground(isPinned);
        for (const TimelineRow& row : m_state.layout.rows()) {
            if (row.isPinned != isPinned || !isVisible(m_state, row))
                continue;
            if (m_state.trace->track(row.track).kind == trace::TrackKind::Counter)
                paintCounter(m_painter, m_state, row);
            for (const Lane& lane : m_layout.lanesOf(row))
                paintLane(lane);
        }
    }

    void paintBackground(bool isPinned)
    {
        QRect area = m_state.geometry.rows();
        if (isPinned)
            area.setHeight(m_state.layout.pinnedHeight());
        const Theme& theme = *m_state.theme;
        int index = 0;
        for (const TimelineRow& row : m_state.layout.rows()) {
            ++index;
            if (row.isPinned != isPinned || !isVisible(m_state, row))
                continue;
            const bool isGroup = m_state.trace->track(row.track).kind == trace::TrackKind::Group;
            m_painter.fillRect(QRect(area.left(), screenY(m_state, row.y), area.width(), row.height), isGroup     ? theme.groupRow
                                                                                                      : index % 2 ? theme.canvas
                                                                                                                  : theme.alternateRow);
        }
        for (const int x : gridPositions(m_state, rulerStep(m_state, m_fonts.small), 1))
            m_painter.fillRect(QRect(area.left() + x, area.top(), 1, area.height()), theme.gridLine);
    }

    void paintLane(const Lane& lane)
    {
        const int left = m_state.geometry.rows().left();
        const bool isFaded = !m_state.highlights.empty();
        const std::vector<LaneBox>& boxes = m_layout.boxesOf(lane);
        for (const LaneBox& box : boxes) {
            const SpanColor& color = m_colors.of(box.event);
            const bool isFull = !isFaded || box.isHighlighted;
            const QRect rect(left + box.left, lane.top, box.right - box.left, lane.height);
            QColor fill(isFull ? color.fill : color.fadedFill);
            fill.setAlpha(kFaintestShade + box.busy * (255 - kFaintestShade) / 255);
            m_painter.fillRect(rect, fill);
            if (!box.isSingle)
                continue;
            if (rect.width() >= kNarrowestEdge)
                m_painter.fillRect(QRect(rect.left(), rect.top(), 1, rect.height()), QColor(isFull ? color.edge : color.fadedEdge));
            if (lane.hasLabels && isFull && rect.width() >= kNarrowestLabel)
                paintLabel(rect, box.event, QColor(color.text));
        }
        if (const auto extent = selectedExtent(boxes)) {
            m_painter.setPen(QPen(m_state.theme->selection, 2));
            m_painter.setBrush(Qt::NoBrush);
            m_painter.drawRect(left + extent->first, lane.top, extent->second - extent->first - 1, lane.height - 1);
        }
    }

    void paintLabel(const QRect& box, trace::EventId event, const QColor& color)
    {
        const QRect room = box.adjusted(kLabelLeft, 0, -kLabelRight, 0);
        QString name = eventLabel(*m_state.trace, event);
        if (m_metrics.horizontalAdvance(name) > room.width())
            name = name.mid(innerNameStart(name));
        const QString text = m_metrics.elidedText(name, Qt::ElideRight, room.width());
        if (text.endsWith(QChar(0x2026)) && text.size() <= LabelCache::kFewestLetters)
            return;
        m_painter.setFont(m_fonts.small);
        m_painter.setPen(color);
        m_painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, text);
    }

    QPainter& m_painter;
    const TimelineState& m_state;
    const TimelineFonts& m_fonts;
    QFontMetrics m_metrics;
    LaneLayout m_layout;
    SpanColors m_colors;
};

} // namespace

void paintTimeline(QPainter& painter, const TimelineState& state, const std::vector<float>& activity, const QFont& font)
{
    const TimelineGeometry& g = state.geometry;
    const TimelineFonts fonts(font);
    painter.fillRect(QRect(QPoint(0, 0), g.size), state.theme->canvas);
    painter.save();
    painter.setClipRect(g.rows());
    RowsPainter(painter, state, fonts).paint();
    painter.restore();
    paintHeaders(painter, state, fonts);
    paintMinimapActivity(painter, state, activity);
    paintMinimapView(painter, state);
    paintRuler(painter, state, fonts);
    paintCorner(painter, state, fonts);
    painter.setPen(state.theme->border);
    painter.drawLine(g.headerWidth - 1, 0, g.headerWidth - 1, g.size.height());
    painter.drawLine(0, TimelineGeometry::rowsTop() - 1, g.size.width(), TimelineGeometry::rowsTop() - 1);
    paintPinnedEdge(painter, state);
    paintNoRows(painter, state);
    TimelineState still = state;
    still.cursor.reset();
    still.instant.reset();
    paintOverlay(painter, still, fonts);
}

} // namespace gantry::widgets
