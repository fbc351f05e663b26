#pragma once

#include "trace_model/base/time.h"

#include <QString>

namespace gantry::widgets {

/// A stretch of time behind the curves of all plots: a capture window.
struct PlotBand
{
    QString key;            ///< what it is known by to who set it
    TimeRange time;         ///< of the clock that the curves have
    QString label;          ///< short: "bert 2 s"
    QString toolTip;        ///< name, begin, length
    bool isUncertain = false; ///< its edges are drawn as dashes: they are known to a second or so
};

} // namespace gantry::widgets
