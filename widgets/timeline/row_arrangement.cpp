#include "widgets/timeline/row_arrangement.h"

#include "trace_model/trace/counter_levels.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace gantry::widgets {

namespace {

using trace::Track;
using trace::TrackId;
using trace::TrackKind;

bool isAlwaysZero(const trace::CounterColumns& counter)
{
    if (counter.value.empty())
        return true;
    const auto extremes = trace::extremesOf(counter, 0, counter.value.size());
    return extremes.min == 0 && extremes.max == 0;
}

/// "server (4711)" without the number, which is another one the next time.
std::string_view withoutId(std::string_view name)
{
    const std::size_t open = name.rfind(" (");
    if (open == std::string_view::npos || open == 0 || !name.ends_with(')') || name.size() - open < 4)
        return name;
    const std::string_view inside = name.substr(open + 2, name.size() - open - 3);
    const bool isNumber = std::all_of(inside.begin(), inside.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    return isNumber ? name.substr(0, open) : name;
}

/// A word that stays when kinds are added between others.
std::string_view kindWord(TrackKind kind)
{
    switch (kind) {
    case TrackKind::Group:
        return "group";
    case TrackKind::RequestLanes:
        return "requests";
    case TrackKind::ModelRequests:
        return "model-requests";
    case TrackKind::AllRequests:
        return "all-requests";
    case TrackKind::Executions:
        return "executions";
    case TrackKind::GpuStream:
        return "stream";
    case TrackKind::GpuAllStreams:
        return "streams";
    case TrackKind::GpuMemory:
        return "memory";
    case TrackKind::GpuSync:
        return "sync";
    case TrackKind::NvtxThread:
        return "nvtx";
    case TrackKind::NvtxAsync:
        return "nvtx-async";
    case TrackKind::NvtxCategory:
        return "nvtx-category";
    case TrackKind::NvtxMarks:
        return "marks";
    case TrackKind::ThreadApi:
        return "api";
    case TrackKind::ThreadLibrary:
        return "library";
    case TrackKind::ThreadOs:
        return "os";
    case TrackKind::GpuRanges:
        return "gpu-ranges";
    case TrackKind::Counter:
        return "counter";
    }
    return "track";
}

} // namespace

bool RowArrangement::isPinned(TrackId track) const
{
    return std::find(pinned.begin(), pinned.end(), track) != pinned.end();
}

std::optional<RequestOrder> requestOrderOf(const trace::Trace& trace, TrackId track)
{
    const Track& subject = trace.track(track);
    const auto isLanes = [&](TrackId id) { return !id.isNone() && trace.track(id).kind == TrackKind::RequestLanes; };
    if (subject.kind == TrackKind::Group && isLanes(subject.parent))
        return RequestOrder::ByInstance;
    if (subject.kind == TrackKind::ModelRequests)
        return RequestOrder::ByModel;
    if (subject.kind == TrackKind::AllRequests)
        return RequestOrder::Together;
    if (subject.kind != TrackKind::RequestLanes)
        return std::nullopt;
    if (isLanes(subject.parent))
        return RequestOrder::SlowestFirst;
    const bool isOfInstance = !subject.parent.isNone() && isLanes(trace.track(subject.parent).parent);
    return isOfInstance ? RequestOrder::ByInstance : RequestOrder::Packed;
}

std::vector<TrackId> childrenOf(const trace::Trace& trace, const RowArrangement& arrangement, TrackId parent)
{
    std::vector<std::pair<int, TrackId>> children;
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        if (trace.tracks[i].parent != parent)
            continue;
        const auto rank = arrangement.ranks.find(TrackId(i));
        children.emplace_back(rank == arrangement.ranks.end() ? static_cast<int>(children.size()) : rank->second, TrackId(i));
    }
    std::stable_sort(children.begin(), children.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<TrackId> tracks;
    tracks.reserve(children.size());
    for (const auto& [rank, track] : children)
        tracks.push_back(track);
    return tracks;
}

void moveBeside(const trace::Trace& trace, RowArrangement& arrangement, TrackId track, TrackId sibling, RowSide side)
{
    std::vector<TrackId> siblings = childrenOf(trace, arrangement, trace.track(track).parent);
    if (track == sibling || std::find(siblings.begin(), siblings.end(), sibling) == siblings.end())
        return;
    std::erase(siblings, track);
    const auto at = std::find(siblings.begin(), siblings.end(), sibling);
    siblings.insert(side == RowSide::Above ? at : at + 1, track);
    for (std::size_t i = 0; i < siblings.size(); ++i)
        arrangement.ranks[siblings[i]] = static_cast<int>(i);
}

bool moveAmongSiblings(const trace::Trace& trace, RowArrangement& arrangement, TrackId track, int direction)
{
    const std::vector<TrackId> siblings = childrenOf(trace, arrangement, trace.track(track).parent);
    const auto isShown = [&](TrackId id) { return !arrangement.hidden.contains(id) && !arrangement.isPinned(id); };
    const auto at = std::find(siblings.begin(), siblings.end(), track);
    auto other = at;
    do {
        if (direction < 0 ? other == siblings.begin() : other + 1 == siblings.end())
            return false;
        other += direction < 0 ? -1 : 1;
    } while (!isShown(*other));
    moveBeside(trace, arrangement, track, *other, direction < 0 ? RowSide::Above : RowSide::Below);
    return true;
}

std::vector<std::string> trackKeys(const trace::Trace& trace)
{
    std::vector<std::string> keys;
    keys.reserve(trace.tracks.size());
    std::map<std::string, int> count;
    for (const Track& track : trace.tracks) {
        std::string key = track.parent.isNone() ? std::string() : keys[track.parent.value] + '\n';
        key.append(kindWord(track.kind)).append(":").append(withoutId(track.name));
        if (const int before = count[key]++; before > 0)
            key.append("\t").append(std::to_string(before));
        keys.push_back(std::move(key));
    }
    return keys;
}

std::set<TrackId> collapsedAtFirst(const trace::Trace& trace)
{
    std::set<TrackId> collapsed;
    const auto isStream = [&](TrackId track) { return !track.isNone() && trace.track(track).kind == TrackKind::GpuStream; };
    bool hasLanes = false; // the lanes come first
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const Track& track = trace.tracks[i];
        hasLanes |= track.kind == TrackKind::RequestLanes;
        if (track.kind == TrackKind::GpuAllStreams || track.kind == TrackKind::NvtxCategory ||
            (track.kind == TrackKind::NvtxAsync && hasLanes))
            collapsed.insert(TrackId(i));
        if (track.kind == TrackKind::GpuMemory || (track.kind == TrackKind::GpuRanges && isStream(track.parent)))
            collapsed.insert(track.parent);
        if (track.kind == TrackKind::Counter && isAlwaysZero(track.counter))
            collapsed.insert(track.parent);
        if (track.kind == TrackKind::Counter && track.counter.isDerived && track.globalTid != 0)
            collapsed.insert(TrackId(i)); // it runs or it does not: a strip says that, and a server has a hundred threads
    }
    return collapsed;
}

std::set<TrackId> countersOfRequests(const trace::Trace& trace)
{
    std::set<TrackId> counters;
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i)
        if (trace.tracks[i].kind == TrackKind::Counter && trace.tracks[i].counter.isDerived && trace.tracks[i].globalTid == 0)
            counters.insert(TrackId(i));
    return counters;
}

} // namespace gantry::widgets
