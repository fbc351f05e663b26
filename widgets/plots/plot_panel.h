#pragma once

#include "trace_model/metrics/series_store.h"
#include "trace_model/records/request_phase.h"

#include <QString>

#include <optional>
#include <vector>

namespace gantry::widgets {

/// One curve of a live plot.
struct PlotCurve
{
    QString name; ///< "bert_base", "GPU 0"
    std::vector<metrics::Point> points;
    std::optional<records::RequestPhase> phase; ///< drawn in the colour that the phase has everywhere
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
    bool isStacked = false; ///< each curve stands on the one before it
    std::vector<PlotThreshold> thresholds;
    QString help; ///< a sentence over the title
};

} // namespace gantry::widgets
