#include "widgets/timeline/row_drop.h"

#include "widgets/timeline/lane_layout.h"

#include <QPainter>
#include <QPoint>

#include <algorithm>
#include <vector>

namespace gantry::widgets {

namespace {

using trace::TrackId;

constexpr int kLineHeight = 3, kIndent = 14; // px

/// A row with what is shown below it, in the content.
struct Block
{
    TrackId track;
    int top = 0, bottom = 0;
};

/// The shown row of a track with all that it holds.
std::optional<Block> blockOf(const RowLayout& layout, TrackId track)
{
    const TimelineRow* first = layout.rowOf(track);
    if (!first)
        return std::nullopt;
    const TimelineRow* const end = layout.rows().data() + layout.rows().size();
    const TimelineRow* last = first;
    while (last + 1 != end && (last + 1)->indent > first->indent && (last + 1)->isPinned == first->isPinned)
        ++last;
    return Block{track, first->y, last->y + last->height};
}

/// What a row can be put among, itself included, from the top.
std::vector<Block> blocksBeside(const TimelineState& state, const RowArrangement& arrangement, TrackId track)
{
    const bool isPinned = arrangement.isPinned(track);
    const std::vector<TrackId> tracks =
        isPinned ? arrangement.pinned : childrenOf(*state.trace, arrangement, state.trace->track(track).parent);
    std::vector<Block> blocks;
    for (const TrackId each : tracks)
        if (const auto block = blockOf(state.layout, each); block && (isPinned || !arrangement.isPinned(each)))
            blocks.push_back(*block);
    return blocks;
}

} // namespace

std::optional<RowDrop> rowDropAt(const TimelineState& state, const RowArrangement& arrangement, TrackId row, QPoint point)
{
    const TimelineRow* dragged = state.layout.rowOf(row);
    if (!dragged)
        return std::nullopt;
    // What scrolls cannot be dropped among what is pinned.
    const int firstY = TimelineGeometry::rowsTop() + (dragged->isPinned ? 0 : state.layout.pinnedHeight());
    const int y = contentY(state, std::clamp(point.y(), firstY, std::max(firstY, state.geometry.size.height() - 1)));
    const std::vector<Block> blocks = blocksBeside(state, arrangement, row);
    // Below all whose middle is above the point.
    const auto next = std::find_if(blocks.begin(), blocks.end(), [y](const Block& block) { return y < (block.top + block.bottom) / 2; });
    RowDrop drop;
    drop.row = row;
    drop.indent = dragged->indent;
    drop.side = next == blocks.end() ? RowSide::Below : RowSide::Above;
    const Block& neighbour = next == blocks.end() ? blocks.back() : *next;
    drop.neighbour = neighbour.track;
    drop.y = next == blocks.end() ? neighbour.bottom : neighbour.top;
    return drop;
}

bool applyDrop(const trace::Trace& trace, RowArrangement& arrangement, const RowDrop& drop)
{
    const RowArrangement before = arrangement;
    auto& pinned = arrangement.pinned;
    if (!arrangement.isPinned(drop.row)) {
        const auto order = childrenOf(trace, arrangement, trace.track(drop.row).parent);
        moveBeside(trace, arrangement, drop.row, drop.neighbour, drop.side);
        if (childrenOf(trace, arrangement, trace.track(drop.row).parent) == order)
            arrangement = before; // no rank where nothing was moved
    } else if (drop.neighbour != drop.row) {
        std::erase(pinned, drop.row);
        const auto at = std::find(pinned.begin(), pinned.end(), drop.neighbour);
        pinned.insert(drop.side == RowSide::Above || at == pinned.end() ? at : at + 1, drop.row);
    }
    return arrangement != before;
}

void paintRowDrop(QPainter& painter, const TimelineState& state)
{
    if (!state.drop)
        return;
    const RowDrop& drop = *state.drop;
    const QRect header = state.geometry.header();
    painter.save();
    painter.setClipRect(QRect(0, header.top(), state.geometry.size.width(), header.height()));
    if (const auto block = blockOf(state.layout, drop.row)) {
        QColor tint = state.theme->accent;
        tint.setAlphaF(0.16F);
        const int top = screenY(state, block->top);
        painter.fillRect(QRect(0, top, header.width(), block->bottom - block->top) & header, tint);
    }
    // Above what it stands at: the first row of all has nothing above it.
    const int y = std::clamp(screenY(state, drop.y) - kLineHeight / 2 - 1, header.top(), header.bottom() - kLineHeight + 1);
    const int left = drop.indent * kIndent;
    painter.fillRect(left, y, state.geometry.size.width() - left, kLineHeight, state.theme->accent);
    painter.restore();
}

} // namespace gantry::widgets
