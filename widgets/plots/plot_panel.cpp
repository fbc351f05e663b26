#include "widgets/plots/plot_panel.h"

#include <algorithm>
#include <iterator>

namespace gantry::widgets {

bool PlotTime::isGap(TimestampNs before, TimestampNs after) const
{
    if (after - before > longestGap)
        return true;
    const auto next = std::upper_bound(breaks.begin(), breaks.end(), before);
    return next != breaks.end() && *next <= after;
}

const metrics::Point* PlotTime::pointAt(const std::vector<metrics::Point>& points, TimestampNs time) const
{
    const auto after =
        std::upper_bound(points.begin(), points.end(), time, [](TimestampNs at, const metrics::Point& point) { return at < point.time; });
    if (after == points.begin())
        return nullptr;
    const metrics::Point& point = *std::prev(after);
    return isGap(point.time, time) ? nullptr : &point;
}

const PlotThreshold* thresholdReached(const std::vector<PlotThreshold>& thresholds, double value)
{
    const PlotThreshold* reached = nullptr;
    for (const PlotThreshold& threshold : thresholds)
        if (value >= threshold.value)
            reached = &threshold;
    return reached;
}

} // namespace gantry::widgets
