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
    return fmt::format("{:.3f} s", ns / 1e9);
}

} // namespace gantry
