#include "widgets/timeline/span_edges.h"

#include "trace_model/trace/visible_spans.h"
#include "widgets/timeline/lane_layout.h"

#include <cmath>
#include <cstdlib>

namespace gantry::widgets {

std::optional<SnapPoint> edgeNear(const TimelineState& state, QPoint point, int reachPx)
{
    constexpr int kNarrowest = 3; // px
    if (!state.trace || !state.geometry.rows().contains(point))
        return {};
    const int y = contentY(state, point.y());
    const TimelineRow* row = state.layout.rowAt(y);
    if (!row || row->depthHeight <= 0)
        return {};
    const int depth = row->isCollapsed ? 0 : row->depthAt(y);
    const TimeAxis axis = state.axis();
    const TimestampNs time = axis.toTime(point.x() - state.geometry.headerWidth);
    const auto reach = static_cast<DurationNs>(std::ceil(reachPx * axis.nsPerPixel()));
    std::optional<SnapPoint> best;
    DurationNs bestDistance = reach + 1;
    // The spans under the point and on both sides of it.
    for (const TimestampNs at : {time, time - reach, time + reach}) {
        const auto event = trace::eventAt(*state.trace, state.rowsOf(row->track), at, depth, reach);
        if (!event)
            continue;
        const TimeRange span = state.trace->timeOf(*event);
        if (static_cast<double>(span.duration()) < kNarrowest * axis.nsPerPixel())
            continue;
        for (const TimestampNs edge : {span.start, span.end}) {
            if (const DurationNs distance = std::abs(edge - time); distance < bestDistance) {
                bestDistance = distance;
                best = SnapPoint{edge, row->track, depth};
            }
        }
    }
    return best;
}

} // namespace gantry::widgets
