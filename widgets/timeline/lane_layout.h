#pragma once

#include "trace_model/trace/visible_spans.h"
#include "widgets/timeline/timeline_state.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace gantry::widgets {

/// A depth of a row where it lies in the widget, in its pixels.
struct Lane
{
    trace::TrackId track;
    int depth = 0;
    int top = 0, height = 0;
    bool hasLabels = false; ///< tall enough to be written on
};

/// A box of a lane: pixels from the plot's left edge, cut at its edges.
struct LaneBox
{
    int left = 0, right = 0; ///< right > left
    trace::EventId event;    ///< the first where several share a pixel
    std::uint8_t busy = 255; ///< how much of the pixel lies under spans; 255: all of it
    bool isSingle = true;
    bool isHighlighted = false;
    bool isSelected = false; ///< highlighted, and what was selected itself
};

/// Around what is selected among the boxes of a lane, a request with all its phases: from .. to; nothing: it is not there.
[[nodiscard]] std::optional<std::pair<int, int>> selectedExtent(const std::vector<LaneBox>& boxes);

/// Where the spans of a timeline are drawn, for whatever draws them: the raster of the screen and the shapes of a document share it.
/// Lives for one frame. `pixelRatio`: device pixels in which boxes are given for one of the widget's; lanes are in the widget's.
class LaneLayout
{
public:
    LaneLayout(const TimelineState& state, qreal pixelRatio);

    /// The lanes of a row that can be seen, from the top.
    [[nodiscard]] std::vector<Lane> lanesOf(const TimelineRow& row) const;
    /// The boxes of a lane, from the left; highlighted ones last. Valid until the next call.
    [[nodiscard]] const std::vector<LaneBox>& boxesOf(const Lane& lane);

    /// Width of the plot in device pixels.
    [[nodiscard]] int width() const { return m_axis.width(); }
    /// First and last + 1 pixel of a time range that intersects the view; at least `minimum` wide.
    [[nodiscard]] std::pair<int, int> pixelsOf(TimeRange time, int minimum) const
    {
        // Clamped before they become whole numbers: what begins far outside is cut at the edge. Called for each box of a frame.
        const double last = m_axis.width();
        const double left = std::clamp(static_cast<double>(time.start - m_state.view.start) * m_pixelsPerNs, 0.0, last - 1);
        const double right = std::clamp(static_cast<double>(time.end - m_state.view.start) * m_pixelsPerNs, 0.0, last);
        const int first = static_cast<int>(left), whole = static_cast<int>(right);
        const int end = whole + (whole < right);
        return {first, std::min(std::max(end, first + minimum), m_axis.width())};
    }

private:
    void addHighlights(const Lane& lane);

    const TimelineState& m_state;
    TimeAxis m_axis; ///< device pixels
    double m_pixelsPerNs;
    int m_narrowestHighlight;
    std::vector<trace::VisibleSpan> m_spans;
    std::vector<LaneBox> m_boxes;
};

/// Whether any part of a row can be seen.
[[nodiscard]] bool isVisible(const TimelineState& state, const TimelineRow& row);
/// Top of something in the content, in the widget: pinned rows stay, the others scroll below them.
[[nodiscard]] int screenY(const TimelineState& state, int contentY);
/// The y of the content that is drawn at a y of the widget; above the rows: negative.
[[nodiscard]] int contentY(const TimelineState& state, int screenY);
/// From where on a row is drawn: what scrolls passes below what is pinned.
[[nodiscard]] int clipTop(const TimelineState& state, const TimelineRow& row);

/// A pixel that is hardly busy has this much of its spans' colour (of 255), to be seen all the same; a busy one all of it.
inline constexpr int kFaintestShade = 110;

/// Boxes narrower than this carry no text, in the widget's pixels.
inline constexpr int kNarrowestLabel = 26;
/// Space left of a label in its box, and right of it.
inline constexpr int kLabelLeft = 4, kLabelRight = 2;
/// Separate events from this width on have a darker left edge.
inline constexpr int kNarrowestEdge = 4;

} // namespace gantry::widgets
