#pragma once

#include "trace_model/trace/trace.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace gantry::trace {

/// A span waiting for its place.
struct LooseSpan
{
    TimestampNs start = 0;
    TimestampNs end = 0;
    EventId event;
};

/// Time that at least one of some spans covers, which come in order of their starts.
class Coverage
{
public:
    void add(const LooseSpan& span)
    {
        m_busy += std::max<DurationNs>(0, span.end - std::max(span.start, m_end));
        m_end = std::max(m_end, span.end);
    }
    [[nodiscard]] DurationNs busy() const { return m_busy; }
    [[nodiscard]] TimestampNs end() const { return m_end; } ///< of what ends last; kNoTime: nothing did

private:
    TimestampNs m_end = kNoTime;
    DurationNs m_busy = 0;
};

/// By start; of equal starts the longer span, which is the outer one, first. Cheap for what is in order already.
void sortOuterFirst(std::vector<LooseSpan>& spans);

/// Says where the spans of a whole block are, see DepthRow::place; `block`: from its start to that of the next one.
void placeBlock(Column<SpanPlace>& places, std::span<const TimeRange> spans, TimeRange block);

/// Puts spans that come in order (see sortOuterFirst) into the rows of a track.
class RowBuilder
{
public:
    /// Arranges spans as an icicle: a span lies one depth below the one that holds it. Spans that overlap without one holding the
    /// other (they happen: rounding, other threads' ends) go to the first depth that is free, so that no row overlaps.
    void nest(const LooseSpan& span);
    /// The same for a GPU stream, which runs one thing after the other, yet whose neighbours' timestamps overlap a little
    /// (programmatic launches, the conversion of the GPU's clock): a span that reaches into the one before it, by less than half
    /// of its own length, is drawn from where that one ends. The events keep their times.
    void nestInStream(LooseSpan span);
    /// Puts a group of spans into the first lane that is free from the first of them on. Groups come in the order of their first
    /// starts; spans within a group must not overlap.
    void packLane(std::span<const LooseSpan> group);
    /// Puts a group into a lane of its own, below those before.
    void addLane(std::span<const LooseSpan> group);

    /// Time that at least one span covers, so far.
    [[nodiscard]] DurationNs busy() const { return m_covered.busy(); }
    [[nodiscard]] bool isEmpty() const { return m_rows.empty(); }
    [[nodiscard]] std::vector<DepthRow> takeRows();

private:
    struct Row
    {
        DepthRow spans;
        TimestampNs end = kNoTime;
        DurationNs busy = 0;
        std::array<TimeRange, DepthRow::kBlock> block; ///< the spans of the block that is being filled
    };
    void append(Row& row, const LooseSpan& span);
    Row& firstFree(TimestampNs start);

    std::vector<Row> m_rows;
    Coverage m_covered;
};

/// Rows of spans in any order, as an icicle. O(n log n + n · depth).
[[nodiscard]] std::vector<DepthRow> nestSpans(std::vector<LooseSpan> spans);

} // namespace gantry::trace
