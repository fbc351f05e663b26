#pragma once

#include "trace_model/metrics/dashboard.h"
#include "trace_model/metrics/series_store.h"
#include "trace_model/records/request_phase.h"

#include <QString>

#include <map>
#include <optional>
#include <vector>

namespace gantry::widgets {

/// One curve of a live plot.
struct PlotCurve
{
    QString name; ///< "bert_base", "GPU 0"
    std::vector<metrics::Point> points;
    std::optional<records::RequestPhase> phase; ///< drawn in the colour that the phase has everywhere
    std::optional<double> upperBound;           ///< of a bucket of a histogram: it counts what is at most that
    bool isEarlier = false;                     ///< of an earlier time, moved into this one: drawn as dashes
    std::optional<std::size_t> color;           ///< of the series' colours; nothing: by its place
};

/// A line across a plot: beyond it something is amiss.
struct PlotThreshold
{
    double value = 0;
    bool isCritical = false;
};

/// One live plot, ready to draw.
struct PlotPanel
{
    QString key;   ///< stable: "requests", "phases", ...
    QString title;
    QString unit;  ///< of the axis: "req/s", "µs", "%"
    std::vector<PlotCurve> curves; ///< only those with points in the window
    double atLeast = 0; ///< the axis reaches at least this far, so that a flat line near 0 looks like one; 0: no demand
    double atMost = 0;  ///< the axis ends here, where there can be no more: 100 %; 0: it grows with the values
    metrics::PanelKind kind = metrics::PanelKind::Line;
    std::vector<PlotThreshold> thresholds; ///< ascending
    QString help;                          ///< a sentence over the title
    std::map<double, QString> states;      ///< what a value means, for a state timeline
    int columns = 1;                       ///< how many of the grid it is wide
    DurationNs longestGap = 0;             ///< between two points of a piece of its curves, whatever breaks others; 0: as on its page
    DurationNs longestLag = 0;             ///< of its newest points, before they are of no value now; 0: the longest gap
    QString note;                          ///< a sentence above the plot: what is not in it, and why
};

/// The time that all plots of a page show, and where their curves end and begin again.
struct PlotTime
{
    TimeRange window;
    TimestampNs now = 0;              ///< where the axis says "now"
    DurationNs longestGap = 0;        ///< between two points of one piece of a curve
    DurationNs longestLag = 0;        ///< of newest points before they are of no value now; 0: the longest gap
    std::vector<TimestampNs> breaks;  ///< that no piece goes over, oldest first

    [[nodiscard]] bool isGap(TimestampNs before, TimestampNs after) const;
    /// The last point at or before `time` that still holds then, or null.
    [[nodiscard]] const metrics::Point* pointAt(const std::vector<metrics::Point>& points, TimestampNs time) const;
};

/// The highest threshold that a value has reached, or null.
[[nodiscard]] const PlotThreshold* thresholdReached(const std::vector<PlotThreshold>& thresholds, double value);

} // namespace gantry::widgets
