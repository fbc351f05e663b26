#include "trace_model/trace/span_nesting.h"

#include <algorithm>

namespace gantry::trace {
namespace {

void append(DepthRow& row, const LooseSpan& span)
{
    row.start.push_back(span.start);
    row.end.push_back(span.end);
    row.event.push_back(span.event);
}

} // namespace

void sortOuterFirst(std::vector<LooseSpan>& spans)
{
    const auto isBefore = [](const LooseSpan& a, const LooseSpan& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; };
    if (!std::is_sorted(spans.begin(), spans.end(), isBefore)) // spans mostly come from columns, which are in order
        std::stable_sort(spans.begin(), spans.end(), isBefore);
}

std::vector<LooseSpan> withoutSmallOverlaps(std::vector<LooseSpan> spans)
{
    sortOuterFirst(spans);
    TimestampNs previousEnd = kNoTime;
    for (LooseSpan& span : spans) {
        if (span.start < previousEnd && span.end > previousEnd && (previousEnd - span.start) * 2 < span.end - span.start)
            span.start = previousEnd;
        previousEnd = std::max(previousEnd, span.end);
    }
    return spans;
}

std::vector<DepthRow> nestSpans(std::vector<LooseSpan> spans)
{
    sortOuterFirst(spans);
    std::vector<DepthRow> rows;
    for (const LooseSpan& span : spans) {
        // The first depth whose last span has ended. Everything above it is still open at this start, so it encloses or overlaps.
        std::size_t depth = 0;
        while (depth < rows.size() && rows[depth].end.back() > span.start)
            ++depth;
        if (depth == rows.size())
            rows.emplace_back();
        append(rows[depth], span);
    }
    return rows;
}

std::vector<DepthRow> packLanes(std::span<const std::vector<LooseSpan>> groups)
{
    std::vector<DepthRow> lanes;
    for (const std::vector<LooseSpan>& group : groups) {
        if (group.empty())
            continue;
        std::size_t lane = 0;
        while (lane < lanes.size() && lanes[lane].end.back() > group.front().start)
            ++lane;
        if (lane == lanes.size())
            lanes.emplace_back();
        for (const LooseSpan& span : group)
            append(lanes[lane], span);
    }
    return lanes;
}

} // namespace gantry::trace
