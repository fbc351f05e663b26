#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <optional>
#include <span>

namespace gantry {

/// A question from one clock to another and its answer: the first and the last reading are of the clock that asked. ns.
struct ClockExchange
{
    std::int64_t sent = 0;     ///< before the question left
    std::int64_t taken = 0;    ///< by the other clock, when it came
    std::int64_t answered = 0; ///< by the other clock, before the answer left
    std::int64_t received = 0; ///< when the answer came
};

/// Another clock told by ours, over a span of time in which it neither stood nor was set: other = ours + offset ± error.
class ClockFit
{
public:
    /// What two clocks may gain on each other, as a ratio: NTP corrects either by 500 millionths at most (adjtimex(2)).
    static constexpr double kMostDrift = 0.001;

    /// The line that is furthest from contradicting any of the exchanges: no answer comes before its question, so each of them bounds the
    /// offset from above and from below. As long as a line is what the offset follows, it is within error() in all of `span` (of our
    /// clock). Where no line agrees with all, as while NTP corrects a rate, the bounds are loosened, by a millisecond at most, and the
    /// error grows by as much. Nothing: there was no exchange, or a clock was set or stood still in between.
    [[nodiscard]] static std::optional<ClockFit> of(std::span<const ClockExchange> exchanges, TimeRange span);

    [[nodiscard]] DurationNs offsetAt(std::int64_t ours) const;
    [[nodiscard]] DurationNs errorNs() const { return m_errorNs; }
    [[nodiscard]] double drift() const { return m_drift; } ///< what the other clock gains, as a ratio

private:
    std::int64_t m_at = 0;
    DurationNs m_offsetAt = 0, m_errorNs = 0;
    double m_drift = 0;
};

} // namespace gantry
