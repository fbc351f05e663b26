#include "widgets/timeline/event_locator.h"

#include "trace_model/trace/visible_spans.h"
#include "widgets/timeline/timeline_state.h"

namespace gantry::widgets {

namespace {

using trace::EventKind;
using trace::TrackKind;

bool mayHold(TrackKind track, EventKind event)
{
    switch (event) {
    case EventKind::Memcpy:
    case EventKind::Memset:
        return track == TrackKind::GpuStream || track == TrackKind::GpuAllStreams || track == TrackKind::GpuMemory;
    case EventKind::Synchronization:
        return track == TrackKind::GpuSync;
    case EventKind::Kernel:
    case EventKind::GraphLaunch:
        return track == TrackKind::GpuStream || track == TrackKind::GpuAllStreams;
    case EventKind::ApiCall:
    case EventKind::Overhead:
        return track == TrackKind::ThreadApi;
    case EventKind::LibraryCall:
        return track == TrackKind::ThreadLibrary;
    case EventKind::OsCall:
        return track == TrackKind::ThreadOs;
    case EventKind::GpuRange:
        return track == TrackKind::GpuRanges;
    case EventKind::NvtxMark:
        return track == TrackKind::NvtxMarks;
    case EventKind::NvtxRange:
        return track == TrackKind::NvtxThread || track == TrackKind::NvtxCategory || track == TrackKind::NvtxAsync ||
               track == TrackKind::Executions;
    case EventKind::Phase:
        return track == TrackKind::RequestLanes || track == TrackKind::ModelRequests || track == TrackKind::AllRequests;
    }
    return false;
}

/// `rowsOf(track)`: what the track shows.
template <typename RowsOf>
std::vector<EventPlace> placesIn(const trace::Trace& trace, trace::EventId event, RowsOf rowsOf)
{
    std::vector<EventPlace> places;
    if (event.isNone())
        return places;
    for (std::uint32_t t = 0; t < trace.tracks.size(); ++t) {
        if (!mayHold(trace.tracks[t].kind, event.kind()))
            continue;
        const std::vector<trace::DepthRow>& rows = rowsOf(trace::TrackId(t));
        for (std::size_t depth = 0; depth < rows.size(); ++depth)
            if (trace::indexOf(trace, rows[depth], event))
                places.push_back({trace::TrackId(t), static_cast<int>(depth)});
    }
    return places;
}

} // namespace

std::vector<EventPlace> placesOf(const trace::Trace& trace, trace::EventId event)
{
    return placesIn(trace, event,
                    [&trace](trace::TrackId track) -> const std::vector<trace::DepthRow>& { return trace.track(track).rows; });
}

std::vector<EventPlace> placesOf(const TimelineState& state, trace::EventId event)
{
    return placesIn(*state.trace, event,
                    [&state](trace::TrackId track) -> const std::vector<trace::DepthRow>& { return state.rowsOf(track); });
}

} // namespace gantry::widgets
