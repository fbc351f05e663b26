#pragma once

#include "trace_model/trace/trace.h"

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

/// By start; of equal starts the longer span, which is the outer one, first. Cheap for what is in order already.
void sortOuterFirst(std::vector<LooseSpan>& spans);

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

    /// Time that at least one span covers, so far.
    [[nodiscard]] DurationNs busy() const { return m_busy; }
    [[nodiscard]] bool isEmpty() const { return m_rows.empty(); }
    [[nodiscard]] std::vector<DepthRow> takeRows();

private:
    struct Row
    {
        DepthRow spans;
        TimestampNs end = kNoTime;
        DurationNs busy = 0;
    };
    void append(Row& row, const LooseSpan& span);
    Row& firstFree(TimestampNs start);
    void cover(const LooseSpan& span);

    std::vector<Row> m_rows;
    TimestampNs m_covered = kNoTime;
    DurationNs m_busy = 0;
};

/// Rows of spans in any order, as an icicle. O(n log n + n · depth).
[[nodiscard]] std::vector<DepthRow> nestSpans(std::vector<LooseSpan> spans);

/// Packs groups of spans into lanes, see RowBuilder::packLane.
[[nodiscard]] std::vector<DepthRow> packLanes(std::span<const std::vector<LooseSpan>> groups);

} // namespace gantry::trace
