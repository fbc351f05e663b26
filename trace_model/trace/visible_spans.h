#pragma once

#include "trace_model/trace/trace.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace gantry::trace {

/// One run to draw on a track row: a single span, or several neighbours folded because each is narrower than a pixel.
struct VisibleSpan
{
    TimeRange time;          ///< half-open, session clock, ns; of what is narrower than a pixel to a 32nd of one
    std::uint16_t depth = 0; ///< 0 = outermost
    EventId first;           ///< the event itself, or the first of the folded ones
    std::uint32_t count = 1; ///< 1 = not folded
    DurationNs busy = 0;     ///< ns of `time` that lie under spans: all of it for one, about so much where many are folded
};

/// Spans of `track` that intersect `window`, as a view `widthPx` wide should draw them: at most 2 · widthPx + 1 entries per depth,
/// ordered by depth, then start. Costs O(widthPx · log n) per depth, whatever lies under a pixel. Any thread. Where many lie under
/// a pixel, a folded entry may reach to the next one, less than a pixel further than its last span.
/// Returns nothing for an empty window, widthPx <= 0, or a track without spans.
[[nodiscard]] std::vector<VisibleSpan> visibleSpans(const Trace& trace, TrackId track, TimeRange window, int widthPx);
/// The same, in place of what is in `spans`: a view that draws many tracks again and again uses the room again, too.
void visibleSpans(const Trace& trace, TrackId track, TimeRange window, int widthPx, std::vector<VisibleSpan>& spans);

/// The same of one depth alone, into `out`, whose memory serves from call to call.
void visibleSpans(const Trace& trace, TrackId track, std::size_t depth, TimeRange window, int widthPx, std::vector<VisibleSpan>& out);

/// The same of spans that are in no track of the trace.
void visibleSpans(const Trace& trace, const DepthRow& row, TimeRange window, int widthPx, std::vector<VisibleSpan>& out);

/// The event of `track` at a time and depth, for hover and click; within half a pixel of tolerance either side.
[[nodiscard]] std::optional<EventId> eventAt(const Trace& trace, TrackId track, TimestampNs time, int depth, DurationNs tolerance);

/// The same of rows that are in no track of the trace.
[[nodiscard]] std::optional<EventId> eventAt(const Trace& trace, const std::vector<DepthRow>& rows, TimestampNs time, int depth,
                                             DurationNs tolerance);

/// Where an event is in a row of a track, if it is there. O(log n).
[[nodiscard]] std::optional<std::size_t> indexOf(const Trace& trace, const DepthRow& row, EventId event);

/// One pixel column of a counter: the smallest and largest sample in it. Columns without a sample are left out.
struct CounterPixel
{
    int x = 0;
    double min = 0;
    double max = 0;
    double last = 0;
};

/// min/max per pixel of a Counter track over `window`. Any thread. The sample before the window's start opens the first column.
[[nodiscard]] std::vector<CounterPixel> visibleCounter(const Trace& trace, TrackId track, TimeRange window, int widthPx);

} // namespace gantry::trace
