#include "trace_model/base/clock_map.h"

#include <algorithm>
#include <cstdlib>

namespace gantry {

void ClockMap::add(std::int64_t from, std::int64_t to)
{
    const auto place = std::upper_bound(m_pairs.begin(), m_pairs.end(), from, [](std::int64_t t, const Pair& p) { return t < p.from; });
    m_pairs.insert(place, Pair{from, to});
}

std::int64_t ClockMap::convert(std::int64_t from) const
{
    if (m_pairs.empty())
        return from;
    const auto after = std::upper_bound(m_pairs.begin(), m_pairs.end(), from, [](std::int64_t t, const Pair& p) { return t < p.from; });
    if (after == m_pairs.begin())
        return after->to + (from - after->from);
    const Pair& left = *std::prev(after);
    if (after == m_pairs.end() || after->from == left.from)
        return left.to + (from - left.from);
    // The offset is interpolated, not the reading: offsets are small and keep their nanoseconds in a double.
    const double fraction = static_cast<double>(from - left.from) / static_cast<double>(after->from - left.from);
    const std::int64_t offsetLeft = left.to - left.from;
    const std::int64_t offsetRight = after->to - after->from;
    return from + offsetLeft + static_cast<std::int64_t>(static_cast<double>(offsetRight - offsetLeft) * fraction);
}

DurationNs ClockMap::largestStep() const
{
    DurationNs largest = 0;
    for (std::size_t i = 1; i < m_pairs.size(); ++i)
        largest = std::max(largest, std::abs((m_pairs[i].to - m_pairs[i].from) - (m_pairs[i - 1].to - m_pairs[i - 1].from)));
    return largest;
}

} // namespace gantry
