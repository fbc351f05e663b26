#pragma once

#include "trace_model/base/time.h"
#include "trace_model/import/event_sink.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace gantry::importing {

/// A time of a file whose times count from `start`, in the session; nothing when it is none of the session's (see areEventTimes).
[[nodiscard]] inline std::optional<TimestampNs> sessionTime(TimestampNs time, TimestampNs start)
{
    TimestampNs difference = 0;
    if (__builtin_sub_overflow(time, start, &difference) || !areEventTimes(difference, difference))
        return std::nullopt;
    return difference;
}

/// Time 0 for a file whose times count from somewhere far away: the earliest of the times that lie within years of most others, so
/// that a few that are garbage (0, 2^63) do not move it. `timeOf(event)`: a TimestampNs. Nothing when there are no events.
template <typename Events, typename TimeOf>
[[nodiscard]] std::optional<TimestampNs> sessionStart(const Events& events, TimeOf timeOf)
{
    constexpr std::size_t kSample = 4096; // times that the median is taken of
    std::vector<TimestampNs> sample;
    for (std::size_t i = 0; i < events.size(); i += events.size() / kSample + 1)
        sample.push_back(timeOf(events[i]));
    if (sample.empty())
        return std::nullopt;
    const auto middle = sample.begin() + static_cast<std::ptrdiff_t>(sample.size() / 2);
    std::nth_element(sample.begin(), middle, sample.end());
    const TimestampNs median = *middle;
    TimestampNs start = median;
    for (const auto& event : events)
        if (const TimestampNs time = timeOf(event); time < start && sessionTime(time, median))
            start = time;
    return start;
}

} // namespace gantry::importing
