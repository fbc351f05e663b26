#include "trace_model/base/clock_map.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace gantry {

void ClockMap::add(std::int64_t from, std::int64_t to)
{
    const auto place = std::upper_bound(m_pairs.begin(), m_pairs.end(), from, [](std::int64_t t, const Pair& p) { return t < p.from; });
    m_pairs.insert(place, Pair{from, to});
}

std::int64_t ClockMap::convert(std::int64_t from, std::size_t& place) const
{
    if (m_pairs.empty())
        return from;
    const auto isBefore = [&](std::size_t pair) { return pair >= m_pairs.size() || from < m_pairs[pair].from; };
    if (isBefore(place) || !isBefore(place + 1)) {
        const auto after = std::upper_bound(m_pairs.begin(), m_pairs.end(), from, [](std::int64_t t, const Pair& p) { return t < p.from; });
        if (after == m_pairs.begin())
            return onwards(*after, from);
        place = static_cast<std::size_t>(after - m_pairs.begin()) - 1;
    }
    const Pair& left = m_pairs[place];
    if (place + 1 == m_pairs.size())
        return onwards(left, from);
    const Pair* const after = &m_pairs[place + 1];
    // The offset is interpolated, not the reading: offsets are small and keep their nanoseconds in a double.
    const double fraction = static_cast<double>(from - left.from) / static_cast<double>(after->from - left.from);
    const std::int64_t offsetLeft = left.to - left.from;
    const std::int64_t offsetRight = after->to - after->from;
    return from + offsetLeft + std::llround(static_cast<double>(offsetRight - offsetLeft) * fraction);
}

std::int64_t ClockMap::onwards(const Pair& pair, std::int64_t from) const
{
    const std::int64_t distance = from - pair.from;
    return pair.to + (m_rateOutside == 1 ? distance : std::llround(static_cast<double>(distance) * m_rateOutside));
}

DurationNs ClockMap::largestStep() const
{
    DurationNs largest = 0;
    for (std::size_t i = 1; i < m_pairs.size(); ++i)
        largest = std::max(largest, std::abs((m_pairs[i].to - m_pairs[i].from) - (m_pairs[i - 1].to - m_pairs[i - 1].from)));
    return largest;
}

} // namespace gantry
