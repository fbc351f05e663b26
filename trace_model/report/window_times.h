#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace gantry::report {

/// When the window of a report was open, without reading what it recorded.
struct WindowTimes
{
    std::int64_t beginUtcNs = 0;
    DurationNs durationNs = 0;
    std::string targetName, label; ///< empty: it says none
};

/// Of a report of Gantry. A few ms, whatever its size. Any thread. Errors: those of Database::open(), NotFound where the file does not say
/// when it was recorded.
[[nodiscard]] Result<WindowTimes> readWindowTimes(const std::filesystem::path& path);

} // namespace gantry::report
