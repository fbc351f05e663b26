#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace gantry::report {

/// What a report says of its window, without reading what it recorded. Texts are empty where it says none.
struct WindowTimes
{
    std::int64_t beginUtcNs = 0; ///< 0: not known
    DurationNs durationNs = 0;   ///< 0: not known
    std::string targetName, label;
    std::string session; ///< of windows on several nodes at one instant

    [[nodiscard]] bool areKnown() const { return beginUtcNs != 0 && durationNs > 0; }
};

/// Of a report of Gantry. A few ms, whatever its size. Any thread. Errors: those of Database::open(); what a file that opens does not say
/// is not known.
[[nodiscard]] Result<WindowTimes> readWindowTimes(const std::filesystem::path& path);

} // namespace gantry::report
