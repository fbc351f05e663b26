#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <ctime>

namespace gantry::node {

/// CLOCK_MONOTONIC, ns. Any thread.
[[nodiscard]] inline TimestampNs monotonicNow()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return TimestampNs{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// CLOCK_REALTIME, ns since 1970. Any thread.
[[nodiscard]] inline std::int64_t utcNow()
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

} // namespace gantry::node
