#pragma once

#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include <vector>

namespace gantry::widgets_test {

inline constexpr TimestampNs kSecond = 1'000'000'000;
inline constexpr TimestampNs kNow = 5'000 * kSecond;
inline constexpr TimeRange kWindow{kNow - 60 * kSecond, kNow};
inline constexpr DurationNs kLongestGap = 3 * kSecond;

/// A point each second from `from` to `to` seconds before now.
inline std::vector<metrics::Point> steady(int from, int to, double value)
{
    std::vector<metrics::Point> points;
    for (int second = from; second >= to; --second)
        points.push_back({kNow - second * kSecond, value});
    return points;
}

} // namespace gantry::widgets_test
