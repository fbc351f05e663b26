#pragma once

#include "trace_model/trace/trace.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <stop_token>

namespace gantry::analysis {

/// How the time of a trace is cut into blocks of one length, so that no block holds more of one report than of the other.
struct BlockLayout
{
    TimestampNs start = 0;
    DurationNs length = 1; ///< of a block
    std::size_t count = 1;

    [[nodiscard]] std::size_t of(TimestampNs time) const
    {
        const TimestampNs at = (time - start) / length;
        return at < 0 ? 0 : std::min(static_cast<std::size_t>(at), count - 1);
    }
};

/// One of the two traces of a comparison, and what of it is compared. The trace outlives it. Any thread.
struct ComparedSide
{
    const trace::Trace* trace = nullptr;
    /// What begins in it is compared, requests that are whole in it; everything, unless windows were cut.
    TimeRange window{std::numeric_limits<TimestampNs>::min(), std::numeric_limits<TimestampNs>::max()};
    BlockLayout blocks;
    std::stop_token stop; ///< loops over events look at it, and leave what they make as far as it is

    [[nodiscard]] bool isCut() const { return window.start != std::numeric_limits<TimestampNs>::min(); }
    /// The time that is compared: the window that was cut, else what was recorded.
    [[nodiscard]] TimeRange time() const;
    /// Whether a request is compared: complete, and whole in the window.
    [[nodiscard]] bool hasWhole(const trace::Request& request) const
    {
        return !request.cutByWindow && !request.failed && request.time.start >= window.start && request.time.end <= window.end;
    }
};

/// The window that was recorded, or the extent of the events where the file does not say.
[[nodiscard]] TimeRange recordedTime(const trace::Trace& trace);

/// Both traces as a whole.
[[nodiscard]] std::array<ComparedSide, 2> comparedSides(const trace::Trace& a, const trace::Trace& b, const std::stop_token& stop = {});

/// Blocks of the time that is compared: 32 of the shorter side, and as many of that length as the other has, up to 256.
void cutIntoBlocks(std::array<ComparedSide, 2>& sides);

} // namespace gantry::analysis
