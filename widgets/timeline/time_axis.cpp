#include "widgets/timeline/time_axis.h"

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

TimeAxis::TimeAxis(TimeRange range, int widthPx) :
    m_range(range),
    m_width(widthPx)
{}

double TimeAxis::nsPerPixel() const
{
    return m_width > 0 && !m_range.isEmpty() ? static_cast<double>(m_range.duration()) / m_width : 0;
}

double TimeAxis::toX(TimestampNs time) const
{
    const double scale = nsPerPixel();
    if (scale <= 0)
        return 0;
    constexpr double kFar = 1 << 24;
    return std::clamp(static_cast<double>(time - m_range.start) / scale, -kFar, kFar);
}

TimestampNs TimeAxis::toTime(double x) const
{
    return m_range.start + static_cast<TimestampNs>(std::llround(x * nsPerPixel()));
}

DurationNs TimeAxis::tickStep(int minimumPx) const
{
    const double wanted = std::max(1.0, nsPerPixel() * minimumPx);
    constexpr DurationNs kSecond = 1'000'000'000, kDay = 86'400 * kSecond;
    if (wanted > 50.0 * kSecond && wanted <= static_cast<double>(kDay)) {
        for (const int seconds : {60, 120, 300, 600, 1'800, 3'600, 7'200, 10'800, 21'600, 43'200, 86'400})
            if (static_cast<double>(seconds * kSecond) >= wanted * (1 - 1e-9))
                return seconds * kSecond;
    }
    if (wanted > static_cast<double>(kDay)) {
        const double days = std::ceil(wanted / static_cast<double>(kDay) * (1 - 1e-9));
        const double power = std::pow(10.0, std::floor(std::log10(days)));
        for (const double factor : {1.0, 2.0, 5.0, 10.0})
            if (factor * power >= days * (1 - 1e-9))
                return static_cast<DurationNs>(std::llround(factor * power)) * kDay;
    }
    const double power = std::pow(10.0, std::floor(std::log10(wanted)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= wanted * (1 - 1e-9))
            return static_cast<DurationNs>(std::llround(factor * power));
    }
    return static_cast<DurationNs>(std::llround(10 * power));
}

std::vector<TimestampNs> TimeAxis::ticks(DurationNs step) const
{
    std::vector<TimestampNs> result;
    if (step <= 0 || m_range.isEmpty())
        return result;
    TimestampNs first = m_range.start / step * step;
    if (first < m_range.start)
        first += step;
    for (TimestampNs tick = first; tick < m_range.end; tick += step)
        result.push_back(tick);
    return result;
}

TimeRange fitted(TimeRange range, TimeRange limits)
{
    if (limits.isEmpty())
        return range;
    const DurationNs longest = std::max(limits.duration(), kShortestView);
    const DurationNs length = std::clamp(range.duration(), kShortestView, longest);
    const TimestampNs lastStart = std::max(limits.start, limits.end - length);
    const TimestampNs start = std::clamp(range.start, limits.start, lastStart);
    return {start, start + length};
}

TimeRange zoomed(TimeRange range, TimestampNs fixed, double factor, TimeRange limits)
{
    const double before = static_cast<double>(range.duration());
    const double length = std::clamp(before * factor, static_cast<double>(kShortestView),
                                     static_cast<double>(std::max(limits.duration(), kShortestView)));
    const double share = before > 0 ? static_cast<double>(fixed - range.start) / before : 0.5;
    const auto start = fixed - static_cast<TimestampNs>(std::llround(length * share));
    return fitted({start, start + static_cast<DurationNs>(std::llround(length))}, limits);
}

TimeRange panned(TimeRange range, DurationNs by, TimeRange limits)
{
    return fitted({range.start + by, range.end + by}, limits);
}

} // namespace gantry::widgets
