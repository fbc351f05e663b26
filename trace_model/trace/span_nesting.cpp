#include "trace_model/trace/span_nesting.h"

#include <algorithm>

namespace gantry::trace {

void sortOuterFirst(std::vector<LooseSpan>& spans)
{
    const auto isBefore = [](const LooseSpan& a, const LooseSpan& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; };
    if (!std::is_sorted(spans.begin(), spans.end(), isBefore)) // spans mostly come from columns, which are in order
        std::stable_sort(spans.begin(), spans.end(), isBefore);
}

void placeBlock(Column<SpanPlace>& places, std::span<const TimeRange> spans, TimeRange block)
{
    const double scale = 256.0 / static_cast<double>(std::max<DurationNs>(1, block.duration()));
    const auto place = [&](TimestampNs time) {
        return static_cast<std::uint8_t>(std::clamp(static_cast<double>(time - block.start) * scale + 0.5, 0.0, 255.0));
    };
    for (const TimeRange& span : spans)
        places.push_back({place(span.start), place(span.end)});
}

void RowBuilder::append(Row& row, const LooseSpan& span)
{
    const TimestampNs start = std::max(span.start, row.end);
    if (row.spans.size() % DepthRow::kBlock == 0) {
        if (row.spans.size() > 0)
            placeBlock(row.spans.place, row.block, {row.spans.blockStart.back(), start});
        row.spans.blockStart.push_back(start);
        row.spans.blockBusy.push_back(row.busy);
    }
    row.block[row.spans.size() % DepthRow::kBlock] = {start, span.end};
    row.spans.event.push_back(span.event);
    row.busy += span.end - start;
    row.end = span.end;
}

RowBuilder::Row& RowBuilder::firstFree(TimestampNs start)
{
    // The first row whose last span has ended. Everything above it is still open at this start, so it encloses or overlaps.
    for (Row& row : m_rows)
        if (row.end <= start)
            return row;
    return m_rows.emplace_back();
}

void RowBuilder::nest(const LooseSpan& span)
{
    m_covered.add(span);
    append(firstFree(span.start), span);
}

void RowBuilder::nestInStream(LooseSpan span)
{
    const TimestampNs previousEnd = m_covered.end();
    m_covered.add(span);
    if (span.start < previousEnd && span.end > previousEnd && (previousEnd - span.start) * 2 < span.end - span.start)
        span.start = previousEnd;
    append(firstFree(span.start), span);
}

void RowBuilder::packLane(std::span<const LooseSpan> group)
{
    if (group.empty())
        return;
    Row& lane = firstFree(group.front().start);
    for (const LooseSpan& span : group) {
        m_covered.add(span);
        append(lane, span);
    }
}

void RowBuilder::addLane(std::span<const LooseSpan> group)
{
    m_rows.emplace_back();
    for (const LooseSpan& span : group)
        append(m_rows.back(), span);
}

std::vector<DepthRow> RowBuilder::takeRows()
{
    std::vector<DepthRow> rows;
    rows.reserve(m_rows.size());
    for (Row& row : m_rows) {
        row.spans.event.shrink();
        row.spans.blockStart.shrink();
        row.spans.blockBusy.shrink();
        row.spans.place.shrink();
        rows.push_back(std::move(row.spans));
    }
    m_rows.clear();
    return rows;
}

std::vector<DepthRow> nestSpans(std::vector<LooseSpan> spans)
{
    sortOuterFirst(spans);
    RowBuilder builder;
    for (const LooseSpan& span : spans)
        builder.nest(span);
    return builder.takeRows();
}

} // namespace gantry::trace
