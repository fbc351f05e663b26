#include "widgets/timeline/row_layout.h"

#include "trace_model/trace/counter_levels.h"

#include <algorithm>

namespace gantry::widgets {

namespace {

using trace::Track;
using trace::TrackId;
using trace::TrackKind;

constexpr int kRowHeight = 24;        // a group, a collapsed row, and at least any other
constexpr int kCompactRowHeight = 17; // a line of text
constexpr int kCounterHeight = 46;
constexpr int kCompactCounterHeight = 34;
constexpr int kSpanHeight = 18;
constexpr int kStreamHeight = 22;
constexpr int kLaneHeight = 14;
constexpr int kThinLaneHeight = 7;
constexpr int kCompactSpanHeight = 13;
constexpr int kManyLanes = 20;  // more lanes than this are drawn thin: the pattern matters then, not the label
constexpr int kRowPadding = 3;
constexpr int kCompactRowPadding = 2;
constexpr int kGap = 1;

int depthHeightOf(const Track& track, RowDensity density)
{
    const bool isCompact = density == RowDensity::Compact;
    switch (track.kind) {
    case TrackKind::Group:
    case TrackKind::Counter:
        return 0;
    case TrackKind::RequestLanes:
        return isCompact || track.rows.size() > kManyLanes ? kThinLaneHeight : kLaneHeight;
    case TrackKind::GpuStream:
    case TrackKind::GpuAllStreams:
        if (isCompact)
            return kCompactSpanHeight;
        return track.rows.size() > 1 ? kSpanHeight : kStreamHeight;
    case TrackKind::Executions:
    case TrackKind::NvtxThread:
    case TrackKind::NvtxAsync:
    case TrackKind::ThreadApi:
    case TrackKind::ThreadLibrary:
    case TrackKind::ThreadOs:
    case TrackKind::GpuRanges:
        return isCompact ? kCompactSpanHeight : kSpanHeight;
    }
    return kSpanHeight;
}

int heightOf(const Track& track, const TimelineRow& row, RowDensity density)
{
    const bool isCompact = density == RowDensity::Compact;
    const int least = isCompact ? kCompactRowHeight : kRowHeight;
    if (track.kind == TrackKind::Group || row.isCollapsed)
        return least;
    if (track.kind == TrackKind::Counter)
        return isCompact ? kCompactCounterHeight : kCounterHeight;
    return std::max(least, row.depths * row.depthHeight + 2 * row.padding);
}

bool isAlwaysZero(const trace::CounterColumns& counter)
{
    if (counter.value.empty())
        return true;
    const auto extremes = trace::extremesOf(counter, 0, counter.value.size());
    return extremes.min == 0 && extremes.max == 0;
}

} // namespace

int TimelineRow::depthY(int depth) const
{
    return y + padding + depth * depthHeight;
}

int TimelineRow::depthPaintedHeight() const
{
    return std::max(1, depthHeight - kGap);
}

int TimelineRow::depthAt(int contentY) const
{
    const int inside = contentY - y - padding;
    if (depthHeight <= 0 || inside < 0 || isCollapsed)
        return -1;
    const int depth = inside / depthHeight;
    return depth < depths ? depth : -1;
}

RowLayout::RowLayout(const trace::Trace& trace, const std::set<TrackId>& collapsed, RowDensity density)
{
    std::vector<bool> hasChildren(trace.tracks.size());
    for (const Track& track : trace.tracks) {
        if (!track.parent.isNone())
            hasChildren[track.parent.value] = true;
    }
    std::vector<bool> isHidden(trace.tracks.size());
    std::vector<int> indent(trace.tracks.size());
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const Track& track = trace.tracks[i];
        if (!track.parent.isNone()) {
            const std::uint32_t parent = track.parent.value;
            indent[i] = indent[parent] + 1;
            isHidden[i] = isHidden[parent] || (hasChildren[parent] && collapsed.contains(TrackId(parent)));
        }
        if (isHidden[i])
            continue;
        TimelineRow row;
        row.track = TrackId(i);
        row.y = m_height;
        row.indent = indent[i];
        row.hasChildren = hasChildren[i];
        row.isCollapsed = collapsed.contains(row.track);
        row.depthHeight = depthHeightOf(track, density);
        row.depths = static_cast<int>(track.rows.size());
        row.padding = density == RowDensity::Compact ? kCompactRowPadding : kRowPadding;
        row.height = heightOf(track, row, density);
        m_height += row.height;
        m_rows.push_back(row);
    }
}

const TimelineRow* RowLayout::rowAt(int contentY) const
{
    const auto after = std::upper_bound(m_rows.begin(), m_rows.end(), contentY, [](int y, const TimelineRow& row) { return y < row.y; });
    if (after == m_rows.begin())
        return nullptr;
    const TimelineRow& row = *(after - 1);
    return contentY < row.y + row.height ? &row : nullptr;
}

const TimelineRow* RowLayout::rowOf(TrackId track) const
{
    const auto found = std::lower_bound(m_rows.begin(), m_rows.end(), track, [](const TimelineRow& row, TrackId id) { return row.track < id; });
    return found != m_rows.end() && found->track == track ? &*found : nullptr;
}

std::set<TrackId> collapsedAtFirst(const trace::Trace& trace)
{
    std::set<TrackId> collapsed;
    bool hasLanes = false; // the lanes come first
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const Track& track = trace.tracks[i];
        hasLanes |= track.kind == TrackKind::RequestLanes;
        if (track.kind == TrackKind::GpuAllStreams || (track.kind == TrackKind::NvtxAsync && hasLanes))
            collapsed.insert(TrackId(i));
        if (track.kind == TrackKind::Counter && isAlwaysZero(track.counter))
            collapsed.insert(track.parent);
    }
    return collapsed;
}

} // namespace gantry::widgets
