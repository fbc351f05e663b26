#pragma once

#include "trace_model/trace/trace.h"

#include <algorithm>
#include <optional>

namespace gantry::exporting {

/// The ends of a request that are known; the others lie outside of the window.
struct KnownEnds
{
    std::optional<TimestampNs> start, end;
};

/// A side that the window cut off is not known: what stands for it in the trace is made again by whoever reads.
[[nodiscard]] inline KnownEnds knownEnds(const trace::Trace& trace, const trace::Request& request)
{
    const TimeRange window = trace.window;
    TimestampNs first = window.end, last = window.start;
    for (const auto& phase : request.phases)
        if (phase) {
            first = std::min(first, phase->start);
            last = std::max(last, phase->end);
        }
    KnownEnds known;
    if (!request.cutByWindow || request.time.start != std::min(first, window.start))
        known.start = request.time.start;
    if (!request.cutByWindow || request.time.end != std::max({last, window.end, request.time.start}))
        known.end = request.time.end;
    return known;
}

} // namespace gantry::exporting
