#include "widgets/timeline/view_history.h"

namespace gantry::widgets {

namespace {

constexpr std::size_t kLongest = 100; // more than anybody steps back

std::optional<TimeRange> step(std::vector<TimeRange>& from, std::vector<TimeRange>& to, TimeRange current)
{
    while (!from.empty()) {
        const TimeRange range = from.back();
        from.pop_back();
        if (range == current)
            continue;
        to.push_back(current);
        return range;
    }
    return {};
}

} // namespace

void ViewHistory::leave(TimeRange range)
{
    m_future.clear();
    if (range.isEmpty() || (!m_past.empty() && m_past.back() == range))
        return;
    if (m_past.size() == kLongest)
        m_past.erase(m_past.begin());
    m_past.push_back(range);
}

std::optional<TimeRange> ViewHistory::back(TimeRange current)
{
    return step(m_past, m_future, current);
}

std::optional<TimeRange> ViewHistory::forward(TimeRange current)
{
    return step(m_future, m_past, current);
}

void ViewHistory::clear()
{
    m_past.clear();
    m_future.clear();
}

} // namespace gantry::widgets
