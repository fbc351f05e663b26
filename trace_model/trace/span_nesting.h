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

/// Arranges spans as an icicle: a span lies one depth below the one that holds it. Spans that overlap without one holding the
/// other (they happen: rounding, other threads' ends) go to the first depth that is free, so that no row overlaps.
/// Order of the input does not matter. O(n log n + n · depth).
[[nodiscard]] std::vector<DepthRow> nestSpans(std::vector<LooseSpan> spans);

/// A GPU stream runs one thing after the other, yet its neighbours' timestamps overlap a little (programmatic launches, the
/// conversion of the GPU's clock). Lets a span that reaches into the one before it, by less than half of its own length, be
/// drawn from where that one ends. The events keep their times.
[[nodiscard]] std::vector<LooseSpan> withoutSmallOverlaps(std::vector<LooseSpan> spans);

/// Packs groups of spans into lanes: a group takes the first lane that is free from its first start to its last end, and all
/// of its spans go there. Groups must be sorted by their first start; spans within a group must not overlap.
[[nodiscard]] std::vector<DepthRow> packLanes(std::span<const std::vector<LooseSpan>> groups);

} // namespace gantry::trace
