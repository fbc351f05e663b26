#pragma once

#include "trace_model/base/time.h"
#include "trace_model/metrics/series.h"

#include <cstddef>
#include <deque>

namespace gantry::metrics {

/// Few points for many of a series, each as it was measured: the last one of each step, which many series have at one time and which can
/// be added and averaged, and of a counter those on both sides of each restart. Not thread-safe.
class CoarsePoints
{
public:
    /// `point` is no older than the one before.
    void add(const Point& point, SeriesKind kind, DurationNs step);
    void forgetBefore(TimestampNs time);
    void clear() { *this = {}; }
    [[nodiscard]] const std::deque<Point>& all() const { return m_points; }

private:
    std::deque<Point> m_points;
    TimestampNs m_stepStart = 0;
    std::size_t m_inStep = 0;      ///< how many of the last points are of the step that is not over yet
    bool m_isAfterRestart = false; ///< of a counter, the last of them
};

} // namespace gantry::metrics
