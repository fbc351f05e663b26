#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QFont>
#include <QFontMetrics>

#include <vector>

class QPainter;

namespace gantry::widgets {

/// Paints a timeline's state. Lives for one paint event; costs O(visible rows · width · log events).
class TimelinePainter
{
public:
    /// `activity`: height of each minimap column, 0..1, as minimapActivity() computed it.
    TimelinePainter(QPainter& painter, const TimelineState& state, const std::vector<float>& activity, const QFont& font);

    void paint();

private:
    void paintMinimap(const std::vector<float>& activity);
    void paintRuler();
    void paintRows();
    void paintHeaders();
    void paintHeader(const TimelineRow& row, int y);
    void paintSpans(const TimelineRow& row);
    void paintCounter(const TimelineRow& row);
    void paintHighlights();
    void paintOverlays();
    void paintLabel(const QRect& box, trace::EventId event, const QColor& background);
    [[nodiscard]] int screenY(int contentY) const { return contentY - m_state.scrollY + TimelineGeometry::rowsTop(); }
    [[nodiscard]] QColor faded(const QColor& color) const;
    [[nodiscard]] bool isVisible(const TimelineRow& row) const;

    QPainter& m_painter;
    const TimelineState& m_state;
    const Theme& m_theme;
    const std::vector<float>& m_activity;
    TimeAxis m_axis;
    QFont m_font;
    QFont m_smallFont;
    QFontMetrics m_metrics;
    QFontMetrics m_smallMetrics;
};

/// How much goes on in each of `widthPx` columns of the whole report, 0..1: GPU work where there is some, else executions,
/// requests or CPU threads.
[[nodiscard]] std::vector<float> minimapActivity(const trace::Trace& trace, int widthPx);

} // namespace gantry::widgets
