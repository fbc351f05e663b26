#include "widgets/timeline/lane_layout.h"

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kLowestLabel = 11; // px: what a line of small text needs

} // namespace

int screenY(const TimelineState& state, int contentY)
{
    return contentY - (contentY < state.layout.pinnedHeight() ? 0 : state.scrollY) + TimelineGeometry::rowsTop();
}

int contentY(const TimelineState& state, int screenY)
{
    const int y = screenY - TimelineGeometry::rowsTop();
    return y < state.layout.pinnedHeight() ? y : y + state.scrollY;
}

int clipTop(const TimelineState& state, const TimelineRow& row)
{
    return TimelineGeometry::rowsTop() + (row.isPinned ? 0 : state.layout.pinnedHeight());
}

bool isVisible(const TimelineState& state, const TimelineRow& row)
{
    const int y = screenY(state, row.y);
    return y + row.height > clipTop(state, row) && y < state.geometry.size.height();
}

LaneLayout::LaneLayout(const TimelineState& state, qreal pixelRatio)
    : m_state(state),
      m_axis(state.view, static_cast<int>(std::lround(state.geometry.plotWidth() * pixelRatio))),
      m_pixelsPerNs(m_axis.nsPerPixel() > 0 ? 1 / m_axis.nsPerPixel() : 0),
      m_narrowestHighlight(static_cast<int>(std::ceil(2 * pixelRatio)))
{
}

std::vector<Lane> LaneLayout::lanesOf(const TimelineRow& row) const
{
    std::vector<Lane> lanes;
    if (row.depthHeight <= 0 || row.depths == 0)
        return lanes;
    if (row.isCollapsed) {
        const int margin = row.height / 4; // lower than others: the outermost spans stand for the row
        lanes.push_back({row.track, 0, screenY(m_state, row.y) + margin, row.height - 2 * margin, false});
        return lanes;
    }
    const int height = row.depthPaintedHeight();
    for (int depth = 0; depth < row.depths; ++depth) {
        const int top = screenY(m_state, row.depthY(depth));
        if (top >= m_state.geometry.size.height())
            break;
        if (top + height > clipTop(m_state, row))
            lanes.push_back({row.track, depth, top, height, height >= kLowestLabel});
    }
    return lanes;
}

const std::vector<LaneBox>& LaneLayout::boxesOf(const Lane& lane)
{
    m_boxes.clear();
    if (m_axis.width() <= 0)
        return m_boxes;
    const auto& rows = m_state.rowsOf(lane.track);
    const auto depth = static_cast<std::size_t>(lane.depth);
    if (depth >= rows.size())
        return m_boxes; // fewer of the requests in view than lanes
    trace::visibleSpans(*m_state.trace, rows[depth], m_state.view, m_axis.width(), m_spans);
    m_boxes.reserve(m_spans.size());
    const double nsPerPixel = m_axis.nsPerPixel();
    for (const trace::VisibleSpan& span : m_spans) {
        const auto [left, right] = pixelsOf(span.time, 1);
        LaneBox box{left, right, span.first, 255, span.count == 1, false};
        // Narrower than a pixel: it has the pixel's share of its colour. Clamped: a fold is cut at a pixel's edge only roughly.
        if (const auto busy = static_cast<double>(span.busy); busy < nsPerPixel)
            box.busy = static_cast<std::uint8_t>(255 * std::min(1.0, busy / nsPerPixel));
        m_boxes.push_back(box);
    }
    if (!m_state.laneHighlights.empty())
        addHighlights(lane);
    return m_boxes;
}

void LaneLayout::addHighlights(const Lane& lane)
{
    const auto& all = m_state.laneHighlights;
    const LaneHighlight first{lane.track, lane.depth, {}, {}};
    const auto isBefore = [](const LaneHighlight& a, const LaneHighlight& b) {
        return a.track != b.track ? a.track < b.track : a.depth < b.depth;
    };
    for (auto it = std::lower_bound(all.begin(), all.end(), first, isBefore);
         it != all.end() && it->track == lane.track && it->depth == lane.depth; ++it) {
        // An instant at the view's edge still counts.
        if (it->time.end < m_state.view.start || it->time.start >= m_state.view.end)
            continue;
        const auto [left, right] = pixelsOf(it->time, m_narrowestHighlight);
        m_boxes.push_back({left, right, it->event, 255, true, true, it->isSelected});
    }
}

std::optional<std::pair<int, int>> selectedExtent(const std::vector<LaneBox>& boxes)
{
    std::optional<std::pair<int, int>> extent;
    // Highlights come last.
    for (auto box = boxes.rbegin(); box != boxes.rend() && box->isHighlighted; ++box) {
        if (!box->isSelected)
            continue;
        extent =
            extent ? std::pair(std::min(extent->first, box->left), std::max(extent->second, box->right)) : std::pair(box->left, box->right);
    }
    return extent;
}

} // namespace gantry::widgets
