#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace gantry::node {

/// What NVIDIA's driver has told the kernel log since the machine booted, as far as that reaches back.
struct XidErrors
{
    std::uint64_t count = 0;
    int last = 0;             ///< its number, 79
    bool hasHardware = false; ///< one is of the GPU itself; others come from programs
};

/// Reads the kernel log, "/dev/kmsg". Errors: NotFound, NotPermitted (it is for root).
[[nodiscard]] Result<XidErrors> xidErrors(const std::filesystem::path& kernelLog);

} // namespace gantry::node
