#pragma once

#include "widgets/timeline/timeline_fonts.h"
#include "widgets/timeline/timeline_state.h"

#include <QPointF>
#include <QRect>
#include <QString>

#include <vector>

class QPainter;

namespace gantry::widgets {

/// Names an end of a link that is not seen, at the edge where it lies or on the row that it is folded into. A click on it goes there.
struct LinkMarker
{
    QRect box; ///< of the viewport
    QString text;
    trace::EventId event; ///< the first of several that lie the same way
};

/// An arrow from a call to the work that it launched, in the viewport; an end that is not seen is where its marker is.
struct LinkArrow
{
    QPointF from, to;
};

struct LinkPicture
{
    std::vector<LinkArrow> arrows;
    std::vector<LinkMarker> markers;
};

/// From the call to its work where either is selected; of a call with much work the first ones.
[[nodiscard]] std::vector<LaunchLink> launchLinks(const trace::Trace& trace, trace::EventId selected);

/// Where arrows and markers are. Where the selected event is not seen (of a request: nothing of it), there is one marker alone, which
/// names the event: it explains why the others are faded.
[[nodiscard]] LinkPicture linkPicture(const TimelineState& state, const QFont& font);

void paintLinks(QPainter& painter, const TimelineState& state, const TimelineFonts& fonts);

} // namespace gantry::widgets
