#include "trace_model/trace/span_nesting.h"

#include <algorithm>

namespace gantry::trace {

void sortOuterFirst(std::vector<LooseSpan>& spans)
{
    const auto isBefore = [](const LooseSpan& a, const LooseSpan& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; };
    if (!std::is_sorted(spans.begin(), spans.end(), isBefore)) // spans mostly come from columns, which are in order
        std::stable_sort(spans.begin(), spans.end(), isBefore);
}

void RowBuilder::append(Row& row, const LooseSpan& span)
{
    const TimestampNs start = std::max(span.start, row.end);
    if (row.spans.size() % DepthRow::kBlock == 0) {
        row.spans.blockStart.push_back(start);
        row.spans.blockBusy.push_back(row.busy);
    }
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

void RowBuilder::cover(const LooseSpan& span)
{
    m_busy += std::max<DurationNs>(0, span.end - std::max(span.start, m_covered));
    m_covered = std::max(m_covered, span.end);
}

void RowBuilder::nest(const LooseSpan& span)
{
    cover(span);
    append(firstFree(span.start), span);
}

void RowBuilder::nestInStream(LooseSpan span)
{
    const TimestampNs previousEnd = m_covered;
    cover(span);
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
        cover(span);
        append(lane, span);
    }
}

std::vector<DepthRow> RowBuilder::takeRows()
{
    std::vector<DepthRow> rows;
    rows.reserve(m_rows.size());
    for (Row& row : m_rows) {
        row.spans.event.shrink();
        row.spans.blockStart.shrink();
        row.spans.blockBusy.shrink();
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

std::vector<DepthRow> packLanes(std::span<const std::vector<LooseSpan>> groups)
{
    RowBuilder builder;
    for (const std::vector<LooseSpan>& group : groups)
        builder.packLane(group);
    return builder.takeRows();
}

} // namespace gantry::trace
