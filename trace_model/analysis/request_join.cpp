#include "trace_model/analysis/request_join.h"

#include "trace_model/trace/launch_key.h"
#include "trace_model/trace/visible_spans.h"

#include <algorithm>
#include <optional>

namespace gantry::analysis {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::launchKey;
using trace::RequestIndex;
using trace::Trace;

/// Rows of sorted columns that start in [time.start, time.end), in order.
template <typename Columns, typename Take>
void eachStartingIn(const Columns& columns, TimeRange time, Take take)
{
    const auto first = std::lower_bound(columns.start.begin(), columns.start.end(), time.start) - columns.start.begin();
    for (auto row = static_cast<std::size_t>(first); row < columns.size() && columns.start[row] < time.end; ++row)
        take(static_cast<std::uint32_t>(row));
}

/// GPU work starts after its call, but in the report it may seem to start before it, by as much as the clocks disagree.
DurationNs clockSlack(const Trace& trace)
{
    return trace.meta.clockErrorNs.value_or(0);
}

template <typename Columns>
void takeLaunched(std::vector<EventId>& out, const Columns& columns, EventKind kind, const std::vector<std::uint64_t>& keys, TimeRange from)
{
    // Nothing before the calls needs a look. The work may run on after them, so there is no end but a second of patience.
    const auto first = std::lower_bound(columns.start.begin(), columns.start.end(), from.start) - columns.start.begin();
    const TimestampNs limit = from.end + std::max<DurationNs>(from.duration(), 1'000'000'000);
    for (auto row = static_cast<std::size_t>(first); row < columns.size() && columns.start[row] < limit; ++row)
        if (std::binary_search(keys.begin(), keys.end(), launchKey(columns.globalPid(row), columns.correlation[row])))
            out.emplace_back(kind, static_cast<std::uint32_t>(row));
}

void takeAllLaunched(std::vector<EventId>& out, const Trace& trace, const std::vector<std::uint64_t>& keys, TimeRange from)
{
    if (keys.empty())
        return;
    from.start -= clockSlack(trace);
    takeLaunched(out, trace.kernels, EventKind::Kernel, keys, from);
    takeLaunched(out, trace.memcpys, EventKind::Memcpy, keys, from);
    takeLaunched(out, trace.memsets, EventKind::Memset, keys, from);
    takeLaunched(out, trace.graphLaunches, EventKind::GraphLaunch, keys, from);
}

std::vector<RequestIndex> membersAt(const Trace& trace, std::uint64_t globalTid, TimestampNs time)
{
    for (const trace::Execution& execution : trace.executions) {
        if (execution.time.start > time)
            break;
        if (execution.globalTid == globalTid && execution.time.contains(time)) {
            const auto members = trace.membersOf(execution);
            return {members.begin(), members.end()};
        }
    }
    return {};
}

/// Where on a GPU an event ran; null: it is of no GPU.
const trace::GpuPlace* placeOf(const Trace& trace, EventId event)
{
    switch (event.kind()) {
    case EventKind::Kernel:
        return &trace.kernels.place(event.row());
    case EventKind::Memcpy:
        return &trace.memcpys.place(event.row());
    case EventKind::Memset:
        return &trace.memsets.place(event.row());
    case EventKind::GraphLaunch:
        return &trace.graphLaunches.place(event.row());
    default:
        return nullptr;
    }
}

/// The thread that launched the first work at `place` from `time` on whose call was recorded.
template <typename Columns>
std::optional<std::uint64_t> launcherFrom(const Trace& trace, const Columns& columns, EventKind kind, const trace::GpuPlace& place,
                                          TimestampNs time)
{
    constexpr int kMostTries = 256; // what was launched before the window is at its begin, and soon followed by other work
    const auto first = static_cast<std::size_t>(std::lower_bound(columns.start.begin(), columns.start.end(), time) - columns.start.begin());
    int tries = 0;
    for (std::size_t row = first; row < columns.size() && tries < kMostTries; ++row) {
        if (columns.place(row) != place)
            continue;
        ++tries;
        if (const EventId launch = launchOf(trace, EventId(kind, static_cast<std::uint32_t>(row))); !launch.isNone())
            return trace.apiCalls.globalTid(launch.row());
    }
    return std::nullopt;
}

/// The thread that its stream works for, of work whose own call is not known.
std::optional<std::uint64_t> threadOfStream(const Trace& trace, EventId gpuEvent)
{
    const trace::GpuPlace* place = placeOf(trace, gpuEvent);
    if (!place)
        return std::nullopt;
    const TimestampNs time = trace.timeOf(gpuEvent).start;
    if (const auto thread = launcherFrom(trace, trace.kernels, EventKind::Kernel, *place, time))
        return thread;
    return launcherFrom(trace, trace.memcpys, EventKind::Memcpy, *place, time);
}

bool isFirstOfThread(const Trace& trace, const trace::Execution& execution)
{
    return &execution == &*std::find_if(trace.executions.begin(), trace.executions.end(),
                                        [&](const trace::Execution& other) { return other.globalTid == execution.globalTid; });
}

/// The executions at `time` that may have been under way when the recording began: the first ones of their threads.
std::vector<const trace::Execution*> underWayAt(const Trace& trace, TimestampNs time)
{
    std::vector<const trace::Execution*> found;
    for (const trace::Execution& execution : trace.executions) {
        if (execution.time.start > time)
            break;
        if (execution.time.contains(time) && isFirstOfThread(trace, execution))
            found.push_back(&execution);
    }
    return found;
}

/// The execution that GPU work was launched for before the recording knew of it: the one that was under way on the thread which launched
/// it, or whose stream it is on. Null: none; then its call says whose it is, or nothing does.
const trace::Execution* earlyExecutionOf(const Trace& trace, EventId gpuEvent, EventId launch)
{
    for (const trace::Execution* execution : underWayAt(trace, trace.timeOf(gpuEvent).start)) {
        const auto thread = launch.isNone() ? threadOfStream(trace, gpuEvent)
                            : trace.apiCalls.start[launch.row()] < execution->time.start
                                ? std::optional(trace.apiCalls.globalTid(launch.row()))
                                : std::nullopt;
        if (thread == execution->globalTid)
            return execution;
    }
    return nullptr;
}

/// The thread of what a thread did itself.
std::optional<std::uint64_t> threadOf(const Trace& trace, EventId event)
{
    switch (event.kind()) {
    case EventKind::ApiCall:
        return trace.apiCalls.globalTid(event.row());
    case EventKind::LibraryCall:
        return trace.libraryCalls.globalTid(event.row());
    case EventKind::OsCall:
        return trace.osCalls.globalTid(event.row());
    case EventKind::NvtxRange:
        return trace.nvtxRanges.globalTid(event.row());
    default:
        return std::nullopt;
    }
}

/// Of an execution that was under way when the recording began: its work whose calls were made before.
void takeLaunchedBefore(std::vector<EventId>& out, const Trace& trace, const trace::Execution& execution)
{
    const auto take = [&](const auto& columns, EventKind kind) {
        eachStartingIn(columns, execution.time, [&](std::uint32_t row) {
            const EventId event(kind, row);
            if (Trace::processOf(execution.globalTid) == columns.globalPid(row) &&
                earlyExecutionOf(trace, event, launchOf(trace, event)) == &execution)
                out.push_back(event);
        });
    };
    take(trace.kernels, EventKind::Kernel);
    take(trace.memcpys, EventKind::Memcpy);
    take(trace.memsets, EventKind::Memset);
    take(trace.graphLaunches, EventKind::GraphLaunch);
}

void addWorkOf(RequestActivity& activity, const Trace& trace, const trace::Execution& execution)
{
    const auto members = trace.membersOf(execution);
    activity.peers.insert(activity.peers.end(), members.begin(), members.end());
    eachStartingIn(trace.nvtxRanges, execution.time, [&](std::uint32_t row) {
        if (trace.nvtxRanges.globalTid(row) == execution.globalTid && !trace.nvtxRanges.isStartEnd(row))
            activity.nvtxRanges.emplace_back(EventKind::NvtxRange, row);
    });
    std::vector<std::uint64_t> keys;
    eachStartingIn(trace.apiCalls, execution.time, [&](std::uint32_t row) {
        if (trace.apiCalls.globalTid(row) != execution.globalTid)
            return;
        activity.apiCalls.emplace_back(EventKind::ApiCall, row);
        if (trace.apiCalls.correlation[row] != 0)
            keys.push_back(launchKey(Trace::processOf(execution.globalTid), trace.apiCalls.correlation[row]));
    });
    std::sort(keys.begin(), keys.end());
    takeAllLaunched(activity.gpuWork, trace, keys, execution.time);
    if (isFirstOfThread(trace, execution))
        takeLaunchedBefore(activity.gpuWork, trace, execution);
}

} // namespace

std::vector<EventId> phasesOf(const Trace& trace, RequestIndex request)
{
    std::vector<EventId> phases;
    const TimeRange time = trace.requests[request.value].time;
    // Its phases lie inside it; a phase of no length may start at its very end.
    eachStartingIn(trace.phases, {time.start, time.end + 1}, [&](std::uint32_t row) {
        if (trace.phases.request[row] == request)
            phases.emplace_back(EventKind::Phase, row);
    });
    return phases;
}

RequestActivity requestActivity(const Trace& trace, RequestIndex request)
{
    RequestActivity activity;
    activity.phases = phasesOf(trace, request);
    const trace::Request& known = trace.requests[request.value];
    const auto earlier = trace.earlierExecutionsOf(known);
    activity.executions.assign(earlier.begin(), earlier.end());
    if (!known.execution.isNone())
        activity.executions.push_back(known.execution);
    for (const trace::ExecutionIndex execution : activity.executions)
        addWorkOf(activity, trace, trace.executions[execution.value]);
    std::sort(activity.peers.begin(), activity.peers.end());
    activity.peers.erase(std::unique(activity.peers.begin(), activity.peers.end()), activity.peers.end());
    std::erase(activity.peers, request);
    return activity;
}

std::vector<RequestIndex> requestsOf(const Trace& trace, EventId event)
{
    if (event.isNone())
        return {};
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Phase:
        return {trace.phases.request[row]};
    case EventKind::ApiCall:
        return membersAt(trace, trace.apiCalls.globalTid(row), trace.apiCalls.start[row]);
    case EventKind::NvtxRange:
        return membersAt(trace, trace.nvtxRanges.globalTid(row), trace.nvtxRanges.start[row]);
    case EventKind::Kernel:
    case EventKind::Memcpy:
    case EventKind::Memset:
    case EventKind::GraphLaunch: {
        const EventId launch = launchOf(trace, event);
        if (const trace::Execution* early = earlyExecutionOf(trace, event, launch)) {
            const auto members = trace.membersOf(*early);
            return {members.begin(), members.end()};
        }
        return launch.isNone() ? std::vector<RequestIndex>{} : requestsOf(trace, launch);
    }
    default:
        return {};
    }
}

EventId launchOf(const Trace& trace, EventId gpuEvent)
{
    if (gpuEvent.isNone())
        return {};
    const auto keyOf = [&](const auto& columns) {
        return std::pair(columns.globalPid(gpuEvent.row()), columns.correlation[gpuEvent.row()]);
    };
    std::pair<std::uint64_t, std::uint32_t> key;
    switch (gpuEvent.kind()) {
    case EventKind::Kernel:
        key = keyOf(trace.kernels);
        break;
    case EventKind::Memcpy:
        key = keyOf(trace.memcpys);
        break;
    case EventKind::Memset:
        key = keyOf(trace.memsets);
        break;
    case EventKind::GraphLaunch:
        key = keyOf(trace.graphLaunches);
        break;
    default:
        return {};
    }
    if (key.second == 0)
        return {};
    // Backwards from the work's start: its call lies close before it.
    const TimestampNs start = trace.timeOf(gpuEvent).start + clockSlack(trace);
    auto row = static_cast<std::size_t>(std::upper_bound(trace.apiCalls.start.begin(), trace.apiCalls.start.end(), start) -
                                        trace.apiCalls.start.begin());
    EventId best;
    while (row-- > 0) {
        if (trace.apiCalls.correlation[row] != key.second || Trace::processOf(trace.apiCalls.globalTid(row)) != key.first)
            continue;
        best = EventId(EventKind::ApiCall, static_cast<std::uint32_t>(row));
        if (!trace.apiCalls.isDriver(row))
            break;
    }
    return best;
}

std::vector<EventId> launchedBy(const Trace& trace, EventId apiCall)
{
    std::vector<EventId> work;
    if (apiCall.isNone() || apiCall.kind() != EventKind::ApiCall || trace.apiCalls.correlation[apiCall.row()] == 0)
        return work;
    const std::uint64_t process = Trace::processOf(trace.apiCalls.globalTid(apiCall.row()));
    takeAllLaunched(work, trace, {launchKey(process, trace.apiCalls.correlation[apiCall.row()])}, trace.timeOf(apiCall));
    return work;
}

std::vector<EventId> rangesAround(const Trace& trace, EventId event)
{
    std::vector<EventId> ranges;
    if (event.isNone())
        return ranges;
    const EventId inner = threadOf(trace, event) ? event : launchOf(trace, event);
    const auto thread = inner.isNone() ? std::nullopt : threadOf(trace, inner);
    if (!thread)
        return ranges;
    const TimeRange time = trace.timeOf(inner);
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const trace::Track& track = trace.tracks[i];
        if (track.kind != trace::TrackKind::NvtxThread || track.globalTid != *thread)
            continue;
        for (int depth = 0; depth < static_cast<int>(track.rows.size()); ++depth) {
            const auto range = trace::eventAt(trace, trace::TrackId(i), time.start, depth, 0);
            if (range == inner) // what lies below it is in it
                break;
            if (range && trace.timeOf(*range).end >= time.end)
                ranges.push_back(*range);
        }
    }
    // Those of several domains have a row each.
    std::stable_sort(ranges.begin(), ranges.end(), [&](EventId a, EventId b) {
        const TimeRange x = trace.timeOf(a), y = trace.timeOf(b);
        return x.start != y.start ? x.start < y.start : x.end > y.end;
    });
    return ranges;
}

} // namespace gantry::analysis
