#include "trace_model/base/time.h"

#include <cmath>
#include <fmt/format.h>

namespace gantry {

std::string formatDuration(DurationNs duration)
{
    const double ns = static_cast<double>(duration);
    const double magnitude = std::abs(ns);
    if (magnitude < 1e3)
        return fmt::format("{} ns", duration);
    if (magnitude < 1e6)
        return fmt::format("{:.3f} µs", ns / 1e3);
    if (magnitude < 1e9)
        return fmt::format("{:.3f} ms", ns / 1e6);
    constexpr DurationNs kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
    if (magnitude < 10.0 * kMinute)
        return fmt::format("{:.3f} s", ns / 1e9);
    // The largest digits are what counts by now. The smallest int64 has no positive counterpart.
    const std::uint64_t length = duration < 0 ? ~static_cast<std::uint64_t>(duration) + 1 : static_cast<std::uint64_t>(duration);
    const char* sign = duration < 0 ? "-" : "";
    if (length < kHour)
        return fmt::format("{}{} min {} s", sign, length / kMinute, length % kMinute / kSecond);
    return fmt::format("{}{} h {} min", sign, length / kHour, length % kHour / kMinute);
}

} // namespace gantry
