#pragma once

#include "trace_model/trace/request_tracks.h"
#include "trace_model/trace/trace.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/event_locator.h"
#include "widgets/timeline/row_layout.h"
#include "widgets/timeline/time_axis.h"

#include <QRect>
#include <QSize>
#include <QString>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
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

/// One place of a highlighted event.
struct LaneHighlight
{
    trace::TrackId track;
    int depth = 0;
    TimeRange time;
    trace::EventId event;
    bool isSelected = false; ///< the selected event, or a phase of the selected request
};

/// The range of values that a counter's row spans; includes 0.
struct ValueAxis
{
    double min = 0, max = 0; ///< equal: there is nothing to show
};

enum class CounterStyle : std::uint8_t
{
    Area, ///< a line, filled down to 0
    Line,
    Heat, ///< the darker the higher, of one height: for comparing many
};

/// What a dragged end of a measure is held by.
struct SnapPoint
{
    TimestampNs time = 0; ///< an edge of a span
    trace::TrackId track;
    int depth = 0;
    constexpr bool operator==(const SnapPoint&) const = default;
};

/// Where a dragged row would come to lie.
struct RowDrop
{
    trace::TrackId row, neighbour; ///< what is dragged, and what it would lie beside
    RowSide side = RowSide::Above; ///< of the neighbour
    int y = 0;                     ///< of the edge between them, in the content
    int indent = 0;                ///< levels
    bool operator==(const RowDrop&) const = default;
};

/// What the user wants to find again.
struct TimelineMark
{
    TimeRange time; ///< empty: an instant
    QString text;
    std::string row; ///< key of the row that it is about (see trackKeys()); empty: of none
    bool operator==(const TimelineMark&) const = default;
};

/// A call and work that it launched, where one of them is selected.
struct LaunchLink
{
    trace::EventId call, work;
    std::vector<EventPlace> callPlaces, workPlaces;
};

/// Everything that decides what a timeline looks like. The painter reads it, the widget changes it.
struct TimelineState
{
    std::shared_ptr<const trace::Trace> trace; ///< null: nothing to show yet
    TimeRange view;                            ///< visible range, report clock
    RowLayout layout;
    std::uint64_t layoutRevision = 0; ///< another one with each change of the layout or of what headers say
    TimelineGeometry geometry;
    QString filter;                         ///< of the rows, as it was typed; empty: none
    int hiddenRows = 0;                     ///< that the user hid
    std::vector<trace::TrackId> chosenRows; ///< whose events the tables are about; empty: all
    int scrollY = 0;
    const Theme* theme = &Theme::of(ColorScheme::Light);

    trace::EventId selected;                                        ///< drawn with an outline
    std::vector<HighlightedEvent> highlights;                       ///< empty: nothing is faded
    std::vector<LaneHighlight> laneHighlights;                      ///< the same by track and depth, the selected event last of its lane
    std::vector<LaunchLink> links;                                  ///< of the selected event: drawn as arrows
    std::vector<TimelineMark> marks;                                ///< sorted by start
    std::vector<trace::TrackId> markRows;                           ///< by mark: the track that it is about; none: all
    std::optional<TimeRange> measure;                               ///< a dragged range
    std::optional<SnapPoint> snapStart, snapEnd;                    ///< spans' edges that the measure's ends are held by
    std::optional<TimestampNs> cursor;                              ///< time under the mouse
    std::optional<TimestampNs> instant;                             ///< that something beside this timeline points at
    std::optional<TimeRange> brush;                                 ///< dragged on the minimap
    std::optional<RowDrop> drop;                                    ///< of a row that is dragged by its header
    std::vector<TimestampNs> matches;                               ///< start times of search matches, sorted
    std::map<trace::TrackId, trace::ChosenRequests> chosenRequests; ///< of tracks that follow the view: in place of what the trace has
    std::vector<ValueAxis> counterAxes;                             ///< by track; empty ones for tracks that are no counters
    std::vector<CounterStyle> counterStyles;                        ///< by track

    [[nodiscard]] TimeAxis axis() const { return {view, geometry.plotWidth()}; }
    /// What a track shows.
    [[nodiscard]] const std::vector<trace::DepthRow>& rowsOf(trace::TrackId track) const
    {
        const auto chosen = chosenRequests.find(track);
        return chosen == chosenRequests.end() ? trace->track(track).rows : chosen->second.rows;
    }
};

} // namespace gantry::widgets
