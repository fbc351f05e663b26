#include "widgets/timeline/row_layout.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

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
constexpr int kManyLanes = 20; // more lanes than this are drawn thin: the pattern matters then, not the label
constexpr int kRowPadding = 3;
constexpr int kCompactRowPadding = 2;
constexpr int kGap = 1;
constexpr int kLowestDepth = 3;

int depthHeightOf(const Track& track, RowDensity density)
{
    const bool isCompact = density == RowDensity::Compact;
    switch (track.kind) {
    case TrackKind::Group:
    case TrackKind::Counter:
        return 0;
    case TrackKind::RequestLanes:
    case TrackKind::ModelRequests:
    case TrackKind::AllRequests:
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
    case TrackKind::GpuMemory:
    case TrackKind::GpuSync:
    case TrackKind::NvtxMarks:
    case TrackKind::NvtxCategory:
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

bool containsName(std::string_view name, std::string_view part)
{
    const auto isSame = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
    return std::search(name.begin(), name.end(), part.begin(), part.end(), isSame) != name.end();
}

/// Finds the rows of a trace as an arrangement shows them.
class LayoutBuilder
{
public:
    LayoutBuilder(const trace::Trace& trace, const RowArrangement& arrangement, RowDensity density)
        : m_trace(trace), m_arrangement(arrangement), m_density(density), m_children(trace.tracks.size()), m_hasMatch(trace.tracks.size())
    {
        collectChildren();
        if (!arrangement.filter.empty())
            findMatches();
    }

    std::vector<TimelineRow> rows;
    int height = 0;

    void addPinned()
    {
        for (const TrackId track : m_arrangement.pinned)
            if (track.value < m_trace.tracks.size())
                addBranch(track, 0, Branch::Pinned);
    }

    void addScrolled()
    {
        for (const TrackId track : m_roots)
            addBranch(track, 0, m_arrangement.filter.empty() ? Branch::Whole : Branch::Filtered);
    }

private:
    enum class Branch
    {
        Whole,
        Filtered, ///< only what matches
        Pinned
    };

    void collectChildren()
    {
        for (std::uint32_t i = 0; i < m_trace.tracks.size(); ++i) {
            const TrackId parent = m_trace.tracks[i].parent;
            (parent.isNone() ? m_roots : m_children[parent.value]).emplace_back(i);
        }
        // Ranks are given to all siblings at once.
        std::set<TrackId> arranged;
        for (const auto& [track, rank] : m_arrangement.ranks)
            if (track.value < m_trace.tracks.size())
                arranged.insert(m_trace.track(track).parent);
        for (const TrackId parent : arranged)
            (parent.isNone() ? m_roots : m_children[parent.value]) = childrenOf(m_trace, m_arrangement, parent);
    }

    /// Shows requests in another way than the one that is wanted.
    [[nodiscard]] bool isOtherOrder(TrackId id) const
    {
        const auto order = requestOrderOf(m_trace, id);
        return order && *order != RequestOrder::Packed && *order != m_arrangement.requests;
    }

    void findMatches()
    {
        for (std::uint32_t i = 0; i < m_trace.tracks.size(); ++i) {
            if (isOtherOrder(TrackId(i)) || !containsName(m_trace.tracks[i].name, m_arrangement.filter))
                continue;
            for (TrackId track(i); !track.isNone() && !m_hasMatch[track.value]; track = m_trace.track(track).parent)
                m_hasMatch[track.value] = true;
        }
    }

    void addBranch(TrackId id, int indent, Branch branch)
    {
        const bool isRootOfPinned = branch == Branch::Pinned && indent == 0;
        if (m_arrangement.hidden.contains(id) || (m_arrangement.isPinned(id) && !isRootOfPinned))
            return;
        const Track& track = m_trace.track(id);
        const auto& children = m_children[id.value];
        if (isOtherOrder(id))
            return;
        bool hasMatchBelow = false;
        if (branch == Branch::Filtered) {
            if (!m_hasMatch[id.value])
                return;
            hasMatchBelow = std::any_of(children.begin(), children.end(), [this](TrackId child) { return m_hasMatch[child.value]; });
            if (!hasMatchBelow)
                branch = Branch::Whole; // the name of this one matches
        }
        TimelineRow row;
        row.track = id;
        row.y = height;
        row.indent = indent;
        row.hasChildren = !children.empty();
        row.isPinned = branch == Branch::Pinned;
        // A match inside a folded row is shown nevertheless.
        row.isFolded = m_arrangement.folded.contains(id) && !hasMatchBelow;
        // What lies below a stream is a part of what it shows itself.
        row.isCollapsed = row.isFolded && !(track.kind == TrackKind::GpuStream && row.hasChildren);
        // So do the other ways to show the same requests, where there are any: below it or, of several models, beside it.
        const auto isOther = [this](TrackId other) {
            const auto order = requestOrderOf(m_trace, other);
            return order && *order == m_arrangement.requests && *order != RequestOrder::Packed;
        };
        if (requestOrderOf(m_trace, id) == RequestOrder::Packed) {
            const auto& siblings = track.parent.isNone() ? m_roots : m_children[track.parent.value];
            row.isCollapsed |=
                std::any_of(children.begin(), children.end(), isOther) || std::any_of(siblings.begin(), siblings.end(), isOther);
        }
        row.depthHeight = depthHeightOf(track, m_density);
        row.depths = static_cast<int>(track.rows.size());
        row.padding = m_density == RowDensity::Compact ? kCompactRowPadding : kRowPadding;
        row.height = heightOf(track, row, m_density);
        resize(row);
        height += row.height;
        rows.push_back(row);
        if (row.isFolded)
            return;
        for (const TrackId child : children)
            addBranch(child, indent + 1, branch);
    }

    /// To the height that the user gave it: lanes get as much of it as is the same for all.
    void resize(TimelineRow& row) const
    {
        const auto wanted = m_arrangement.heights.find(row.track);
        if (wanted == m_arrangement.heights.end() || !isResizable(m_trace, row))
            return;
        row.height = std::clamp(wanted->second, kLowestRow, kTallestRow);
        if (row.depths == 0)
            return;
        row.depthHeight = std::max(kLowestDepth, (row.height - 2 * row.padding) / row.depths);
        row.height = std::max(kLowestRow, row.depths * row.depthHeight + 2 * row.padding);
    }

    const trace::Trace& m_trace;
    const RowArrangement& m_arrangement;
    RowDensity m_density;
    std::vector<TrackId> m_roots;
    std::vector<std::vector<TrackId>> m_children; ///< by track
    std::vector<bool> m_hasMatch;                 ///< by track: it or something below it has the filter in its name
};

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

RowLayout::RowLayout(const trace::Trace& trace, const RowArrangement& arrangement, RowDensity density)
    : m_rowOf(trace.tracks.size(), kNoRow)
{
    LayoutBuilder builder(trace, arrangement, density);
    builder.addPinned();
    m_pinnedHeight = builder.height;
    builder.addScrolled();
    m_rows = std::move(builder.rows);
    m_height = builder.height;
    for (std::uint32_t i = 0; i < m_rows.size(); ++i)
        m_rowOf[m_rows[i].track.value] = i;
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
    const std::uint32_t row = track.value < m_rowOf.size() ? m_rowOf[track.value] : kNoRow;
    return row == kNoRow ? nullptr : &m_rows[row];
}

bool isResizable(const trace::Trace& trace, const TimelineRow& row)
{
    return trace.track(row.track).kind != TrackKind::Group && !row.isCollapsed;
}

} // namespace gantry::widgets
