#include "trace_model/metrics/coarse_points.h"

#include <algorithm>

namespace gantry::metrics {

void CoarsePoints::add(const Point& point, SeriesKind kind, DurationNs step)
{
    if (m_inStep == 0 || point.time - m_stepStart >= step) {
        m_stepStart = point.time - ((point.time % step) + step) % step; // of all series the same, also before the boot
        m_isAfterRestart = !m_points.empty() && point.value < m_points.back().value;
        m_points.push_back(point);
        m_inStep = 1;
        return;
    }
    if (kind == SeriesKind::Counter)
        addToCounter(point);
    else
        addToGauge(point);
}

void CoarsePoints::addToCounter(const Point& point)
{
    const bool isRestart = point.value < m_points.back().value;
    if (!isRestart && !m_isAfterRestart) {
        m_points.back() = point;
        return;
    }
    // The first one after a restart stays too: without it the drop is not seen where the value has grown beyond the old one since.
    m_points.push_back(point);
    m_isAfterRestart = isRestart;
    ++m_inStep;
}

void CoarsePoints::addToGauge(const Point& point)
{
    Point& last = m_points.back();
    if (m_inStep == 1) {
        m_points.push_back(point);
        m_inStep = 2;
        return;
    }
    // The older one of the two that are kept comes first, whichever is the larger.
    Point& first = *(m_points.end() - 2);
    const auto [smallest, largest] = std::minmax(first.value, last.value);
    if (point.value >= smallest && point.value <= largest)
        return;
    const bool isFirstReplaced = (point.value < smallest) == (first.value < last.value);
    if (isFirstReplaced)
        first = last;
    last = point;
}

void CoarsePoints::forgetBefore(TimestampNs time)
{
    while (!m_points.empty() && m_points.front().time < time)
        m_points.pop_front();
    m_inStep = std::min(m_inStep, m_points.size());
}

} // namespace gantry::metrics
