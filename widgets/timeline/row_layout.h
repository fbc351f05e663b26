#pragma once

#include "trace_model/trace/trace.h"

#include <optional>
#include <set>
#include <vector>

namespace gantry::widgets {

/// One track as a row of the timeline. Pixels, y from the top of the content.
struct TimelineRow
{
    trace::TrackId track;
    int y = 0;
    int height = 0;
    int indent = 0;       ///< number of ancestors
    int depthHeight = 0;  ///< of one depth, gap included; 0 for groups and counters
    int padding = 0;      ///< above the first depth and below the last
    int depths = 0;       ///< how many it has, whether it is collapsed or not
    bool hasChildren = false;
    bool isCollapsed = false;

    /// Top of a depth inside the content.
    [[nodiscard]] int depthY(int depth) const;
    /// Pixels of a depth that are painted: the rest is the gap to the next one.
    [[nodiscard]] int depthPaintedHeight() const;
    /// Depth at a y of the content, or -1 between depths' area and row's edge and in a collapsed row.
    [[nodiscard]] int depthAt(int contentY) const;
};

/// How tall rows are: comfortable for one report, compact where two share the window.
enum class RowDensity { Comfortable, Compact };

/// Where the tracks of a trace are, from top to bottom, without those inside a collapsed one. A value, made anew when something
/// is folded.
class RowLayout
{
public:
    RowLayout() = default;
    RowLayout(const trace::Trace& trace, const std::set<trace::TrackId>& collapsed, RowDensity density = RowDensity::Comfortable);

    [[nodiscard]] const std::vector<TimelineRow>& rows() const { return m_rows; }
    [[nodiscard]] int height() const { return m_height; }
    /// The row at a y of the content, or null.
    [[nodiscard]] const TimelineRow* rowAt(int contentY) const;
    [[nodiscard]] const TimelineRow* rowOf(trace::TrackId track) const;

private:
    std::vector<TimelineRow> m_rows;
    int m_height = 0;
};

/// What is folded when a report opens: tracks that repeat what others show (a context's "All streams", the start/end ranges of
/// servers whose requests have lanes), and metrics that never change from 0.
[[nodiscard]] std::set<trace::TrackId> collapsedAtFirst(const trace::Trace& trace);

} // namespace gantry::widgets
