#include "widgets/timeline/event_locator.h"

#include <algorithm>

namespace gantry::widgets {

namespace {

using trace::EventKind;
using trace::TrackKind;

bool mayHold(TrackKind track, EventKind event)
{
    switch (event) {
    case EventKind::Kernel:
    case EventKind::Memcpy:
    case EventKind::Memset:
    case EventKind::Synchronization:
        return track == TrackKind::GpuStream || track == TrackKind::GpuAllStreams;
    case EventKind::ApiCall:
    case EventKind::Overhead:
        return track == TrackKind::ThreadApi;
    case EventKind::NvtxRange:
    case EventKind::NvtxMark:
        return track == TrackKind::NvtxThread || track == TrackKind::NvtxAsync || track == TrackKind::Executions;
    case EventKind::Phase:
        return track == TrackKind::RequestLanes;
    }
    return false;
}

} // namespace

std::vector<EventPlace> placesOf(const trace::Trace& trace, trace::EventId event)
{
    std::vector<EventPlace> places;
    if (event.isNone())
        return places;
    const TimeRange time = trace.timeOf(event);
    for (std::uint32_t t = 0; t < trace.tracks.size(); ++t) {
        if (!mayHold(trace.tracks[t].kind, event.kind()))
            continue;
        const auto& rows = trace.tracks[t].rows;
        for (std::size_t depth = 0; depth < rows.size(); ++depth) {
            const trace::DepthRow& row = rows[depth];
            // A stream's span may be drawn a little later than it began (withoutSmallOverlaps), never after its end.
            for (auto i = static_cast<std::size_t>(std::lower_bound(row.start.begin(), row.start.end(), time.start) - row.start.begin());
                 i < row.start.size() && row.start[i] <= time.end; ++i) {
                if (row.event[i] == event) {
                    places.push_back({trace::TrackId(t), static_cast<int>(depth)});
                    break;
                }
            }
        }
    }
    return places;
}

} // namespace gantry::widgets
