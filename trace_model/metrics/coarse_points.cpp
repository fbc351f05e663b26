#include "trace_model/metrics/coarse_points.h"

#include <algorithm>

namespace gantry::metrics {

void CoarsePoints::add(const Point& point, SeriesKind kind, DurationNs step)
{
    if (m_inStep == 0 || point.time - m_stepStart >= step) {
        m_stepStart = point.time - ((point.time % step) + step) % step; // of all series the same, also before the boot
        m_isAfterRestart = kind == SeriesKind::Counter && !m_points.empty() && point.value < m_points.back().value;
        m_points.push_back(point);
        m_inStep = 1;
        return;
    }
    const bool isRestart = kind == SeriesKind::Counter && point.value < m_points.back().value;
    if (!isRestart && !m_isAfterRestart) {
        m_points.back() = point;
        return;
    }
    // The first one after a restart stays too: without it the drop is not seen where the value has grown beyond the old one since.
    m_points.push_back(point);
    m_isAfterRestart = isRestart;
    ++m_inStep;
}

void CoarsePoints::forgetBefore(TimestampNs time)
{
    while (!m_points.empty() && m_points.front().time < time)
        m_points.pop_front();
    m_inStep = std::min(m_inStep, m_points.size());
}

} // namespace gantry::metrics
