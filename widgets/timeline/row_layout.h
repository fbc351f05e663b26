#pragma once

#include "trace_model/trace/trace.h"
#include "widgets/timeline/row_arrangement.h"

#include <cstdint>
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
    bool isFolded = false;    ///< its children are not shown
    bool isCollapsed = false; ///< and it is but a strip itself
    bool isPinned = false;    ///< it does not scroll

    /// Top of a depth inside the content.
    [[nodiscard]] int depthY(int depth) const;
    /// Pixels of a depth that are painted: the rest is the gap to the next one.
    [[nodiscard]] int depthPaintedHeight() const;
    /// Depth at a y of the content, or -1 between depths' area and row's edge and in a collapsed row.
    [[nodiscard]] int depthAt(int contentY) const;
};

/// How tall rows are: comfortable for one report, compact where two share the window.
enum class RowDensity { Comfortable, Compact };

/// Where the tracks of a trace are, from top to bottom, without those that are hidden or inside a folded one; those that are pinned come
/// first. A value, made anew when something is arranged otherwise.
class RowLayout
{
public:
    RowLayout() = default;
    RowLayout(const trace::Trace& trace, const RowArrangement& arrangement, RowDensity density = RowDensity::Comfortable);

    [[nodiscard]] const std::vector<TimelineRow>& rows() const { return m_rows; }
    [[nodiscard]] int height() const { return m_height; }
    /// Of the pinned rows together: the content below it scrolls.
    [[nodiscard]] int pinnedHeight() const { return m_pinnedHeight; }
    /// The row at a y of the content, or null.
    [[nodiscard]] const TimelineRow* rowAt(int contentY) const;
    [[nodiscard]] const TimelineRow* rowOf(trace::TrackId track) const;

private:
    static constexpr std::uint32_t kNoRow = 0xFFFFFFFF;

    std::vector<TimelineRow> m_rows;
    std::vector<std::uint32_t> m_rowOf; ///< by track: index in m_rows, or kNoRow
    int m_height = 0;
    int m_pinnedHeight = 0;
};

/// Whether the user may make a row taller or lower: one of spans or of a curve, and no strip.
[[nodiscard]] bool isResizable(const trace::Trace& trace, const TimelineRow& row);

/// What a row's height is kept between, px.
inline constexpr int kLowestRow = 17, kTallestRow = 800;

} // namespace gantry::widgets
