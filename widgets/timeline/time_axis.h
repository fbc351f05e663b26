#pragma once

#include "trace_model/base/time.h"

#include <vector>

namespace gantry::widgets {

/// Maps a visible time range to pixels and back. A value; x grows to the right from 0.
class TimeAxis
{
public:
    TimeAxis() = default;
    TimeAxis(TimeRange range, int widthPx);

    [[nodiscard]] TimeRange range() const { return m_range; }
    [[nodiscard]] int width() const { return m_width; }
    /// ns that one pixel covers; 0 for an empty axis.
    [[nodiscard]] double nsPerPixel() const;
    /// Pixel of a time; may lie outside 0..width, clamped to ±2^24 so that painting far outside stays cheap.
    [[nodiscard]] double toX(TimestampNs time) const;
    [[nodiscard]] TimestampNs toTime(double x) const;

    /// Distance between labelled ticks, at least `minimumPx` apart: 1, 2 or 5 times a power of ten ns, from a minute on such minutes, hours
    /// and days as a clock counts.
    [[nodiscard]] DurationNs tickStep(int minimumPx) const;
    /// Multiples of `step` inside the range.
    [[nodiscard]] std::vector<TimestampNs> ticks(DurationNs step) const;

private:
    TimeRange m_range;
    int m_width = 0;
};

/// The shortest range a view shows: below it neighbouring nanoseconds would be farther apart than a finger is wide.
inline constexpr DurationNs kShortestView = 100;

/// `range` scaled by `factor` (< 1 zooms in) so that `fixed` stays at its pixel, kept inside `limits` and above kShortestView.
[[nodiscard]] TimeRange zoomed(TimeRange range, TimestampNs fixed, double factor, TimeRange limits);

/// `range` moved by `by`, stopped at `limits`; its length stays.
[[nodiscard]] TimeRange panned(TimeRange range, DurationNs by, TimeRange limits);

/// `range` moved and shortened as needed to lie in `limits` and last at least kShortestView.
[[nodiscard]] TimeRange fitted(TimeRange range, TimeRange limits);

} // namespace gantry::widgets
