#include "widgets/timeline/mark_painter.h"

#include "widgets/timeline/lane_layout.h"

#include <QFontMetrics>
#include <QPainter>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kWidestFlag = 180, kNarrowestFlag = 24, kFlagPadding = 5, kFlagGap = 2; // px
constexpr int kBandAlpha = 26;                                                        // of 255: what lies below is read through it
constexpr int kFaintAlpha = 90;                                                       // of the line through rows that the mark is not about
constexpr int kMinimapTick = 9;                                                       // px

int clampedX(const TimelineState& state, TimestampNs time)
{
    const QRect area = state.geometry.rows();
    return area.left() + static_cast<int>(std::clamp(state.axis().toX(time), -1.0, area.width() + 1.0));
}

bool isInView(const TimelineState& state, const TimelineMark& mark)
{
    return mark.time.end >= state.view.start && mark.time.start < state.view.end;
}

/// What a mark is about of the rows: one of them, or all.
QRect markedArea(const TimelineState& state, std::size_t mark)
{
    const QRect rows = state.geometry.rows();
    const TimelineRow* row = mark < state.markRows.size() ? state.layout.rowOf(state.markRows[mark]) : nullptr;
    return row ? QRect(rows.left(), screenY(state, row->y), rows.width(), row->height) & rows : rows;
}

} // namespace

std::vector<QRect> markFlags(const TimelineState& state, const QFont& font)
{
    std::vector<QRect> flags(state.marks.size());
    const QRect area = state.geometry.ruler();
    const QFontMetrics metrics(font);
    std::vector<std::size_t> shown; // sorted by time
    for (std::size_t i = 0; i < state.marks.size(); ++i)
        if (isInView(state, state.marks[i]))
            shown.push_back(i);
    // Each at its time, or behind the flag before it; as wide as its text, or as there is room before the next one.
    int left = area.left();
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const TimelineMark& mark = state.marks[shown[i]];
        left = std::max(left, clampedX(state, mark.time.start));
        const int next = i + 1 < shown.size() ? clampedX(state, state.marks[shown[i + 1]].time.start) - kFlagGap : area.right();
        const int whole = std::min(kWidestFlag, metrics.horizontalAdvance(mark.text) + 2 * kFlagPadding);
        const int width = std::max(std::min(whole, kNarrowestFlag), std::min(whole, next - left));
        flags[shown[i]] = QRect(left, area.top() + 2, width, area.height() - 5);
        left += width + kFlagGap;
    }
    // Those that would lie behind the end of the ruler move back, and the others before them.
    int right = area.right();
    for (std::size_t i = shown.size(); i-- > 0;) {
        QRect& flag = flags[shown[i]];
        flag.moveRight(std::min(flag.right(), right));
        right = flag.left() - kFlagGap;
        if (flag.left() < area.left())
            flag = {};
    }
    return flags;
}

void paintMarks(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts)
{
    if (state.marks.empty())
        return;
    painter.save();
    painter.setFont(fonts.small);
    const QFontMetrics metrics(fonts.small);
    const QColor color = state.theme->warning;
    const QRect minimap = state.geometry.minimap(), rows = state.geometry.rows();
    const TimeAxis whole(state.trace->time, minimap.width());
    QColor faint = color;
    faint.setAlpha(kFaintAlpha);
    const std::vector<QRect> flags = markFlags(state, fonts.small);
    for (std::size_t i = 0; i < state.marks.size(); ++i) {
        const TimelineMark& mark = state.marks[i];
        const int tick = minimap.left() + static_cast<int>(std::clamp(whole.toX(mark.time.start), 0.0, minimap.width() - 2.0));
        painter.fillRect(tick, minimap.bottom() - kMinimapTick, 2, kMinimapTick, color);
        if (!isInView(state, mark))
            continue;
        const QRect area = markedArea(state, i);
        const int left = clampedX(state, mark.time.start), right = clampedX(state, mark.time.end);
        if (right > left) {
            QColor band = color;
            band.setAlpha(kBandAlpha);
            painter.fillRect(QRect(left, area.top(), right - left, area.height()) & area, band);
            painter.fillRect(QRect(right, area.top(), 1, area.height()) & area, color);
        }
        if (area != rows) {
            painter.fillRect(QRect(left, rows.top(), 1, rows.height()) & rows, faint);
            painter.fillRect(QRect(left - 1, area.top(), 3, area.height()) & area, color);
        }
        painter.fillRect(QRect(left, area.top(), 1, area.height()) & area, color);
        const QRect flag = flags[i];
        painter.fillRect(flag, color);
        if (flag.isNull())
            continue;
        painter.setPen(Theme::textOn(color));
        painter.drawText(flag, Qt::AlignCenter, metrics.elidedText(mark.text, Qt::ElideRight, flag.width() - 2 * kFlagPadding + 1));
    }
    painter.restore();
}

} // namespace gantry::widgets
