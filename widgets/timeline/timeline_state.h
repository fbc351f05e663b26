#pragma once

#include "trace_model/trace/trace.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/event_locator.h"
#include "widgets/timeline/row_layout.h"
#include "widgets/timeline/time_axis.h"

#include <QRect>
#include <QSize>

#include <memory>
#include <optional>
#include <vector>

namespace gantry::widgets {

/// The areas of a timeline widget: header column on the left; minimap, ruler and rows beside it.
struct TimelineGeometry
{
    static constexpr int kMinimapHeight = 34;
    static constexpr int kRulerHeight = 24;

    QSize size;
    int headerWidth = 250;

    [[nodiscard]] int plotWidth() const { return std::max(0, size.width() - headerWidth); }
    [[nodiscard]] QRect minimap() const { return {headerWidth, 0, plotWidth(), kMinimapHeight}; }
    [[nodiscard]] QRect ruler() const { return {headerWidth, kMinimapHeight, plotWidth(), kRulerHeight}; }
    [[nodiscard]] QRect corner() const { return {0, 0, headerWidth, kMinimapHeight + kRulerHeight}; }
    [[nodiscard]] QRect header() const { return {0, rowsTop(), headerWidth, rowsHeight()}; }
    [[nodiscard]] QRect rows() const { return {headerWidth, rowsTop(), plotWidth(), rowsHeight()}; }
    [[nodiscard]] static constexpr int rowsTop() { return kMinimapHeight + kRulerHeight; }
    [[nodiscard]] int rowsHeight() const { return std::max(0, size.height() - rowsTop()); }
};

/// An event that is drawn in full colour while the others are faded, and where it is.
struct HighlightedEvent
{
    trace::EventId event;
    std::vector<EventPlace> places;
};

/// Everything that decides what a timeline looks like. The painter reads it, the widget changes it.
struct TimelineState
{
    std::shared_ptr<const trace::Trace> trace; ///< null: nothing to show yet
    TimeRange view;                            ///< visible range, report clock
    RowLayout layout;
    TimelineGeometry geometry;
    int scrollY = 0;
    const Theme* theme = &Theme::of(ColorScheme::Light);

    trace::EventId selected;                    ///< drawn with an outline
    std::vector<HighlightedEvent> highlights;   ///< empty: nothing is faded
    std::optional<TimeRange> measure;           ///< a dragged range
    std::optional<TimestampNs> cursor;          ///< time under the mouse
    std::vector<TimestampNs> matches;           ///< start times of search matches, sorted
    std::vector<double> counterMaxima;          ///< by track: the axis of a counter; 0 for other tracks

    [[nodiscard]] TimeAxis axis() const { return {view, geometry.plotWidth()}; }
};

} // namespace gantry::widgets
