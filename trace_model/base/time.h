#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace gantry {

/// A point in time, int64 nanoseconds. Which clock is said where the value is declared; inside a Trace: ns since the session start.
using TimestampNs = std::int64_t;

/// A length of time, int64 nanoseconds.
using DurationNs = std::int64_t;

/// "No such time": an event that never ended, a phase that was not seen.
inline constexpr TimestampNs kNoTime = std::numeric_limits<TimestampNs>::min();

/// Half-open range [start, end) of one clock.
struct TimeRange
{
    TimestampNs start = 0;
    TimestampNs end = 0;

    [[nodiscard]] constexpr DurationNs duration() const { return end - start; }
    [[nodiscard]] constexpr bool isEmpty() const { return end <= start; }
    [[nodiscard]] constexpr bool contains(TimestampNs t) const { return t >= start && t < end; }
    [[nodiscard]] constexpr bool intersects(TimeRange other) const { return start < other.end && other.start < end; }
    [[nodiscard]] constexpr TimeRange clippedTo(TimeRange other) const
    {
        const TimeRange clipped{std::max(start, other.start), std::min(end, other.end)};
        return clipped.end < clipped.start ? TimeRange{clipped.start, clipped.start} : clipped;
    }
    constexpr auto operator<=>(const TimeRange&) const = default;
};

/// A duration as a person reads it, with unit and about four digits: "812 ns", "1.234 ms", "2.000 s", "12 min 5 s", "1 h 27 min". Negative
/// values keep their sign.
[[nodiscard]] std::string formatDuration(DurationNs duration);

} // namespace gantry
