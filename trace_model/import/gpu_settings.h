#pragma once

#include <cstdint>
#include <string>

namespace gantry::importing {

/// The setting (TraceMeta::settings) that says how many threads a GPU holds at once. An exported report carries it on.
[[nodiscard]] inline std::string residentThreadsSetting(std::uint32_t device)
{
    return "GANTRY_GPU_" + std::to_string(device) + "_RESIDENT_THREADS";
}

/// How many threads a multiprocessor of a compute capability holds at once.
[[nodiscard]] constexpr std::int64_t threadsOfMultiprocessor(std::int64_t major, std::int64_t minor)
{
    // CUDA C++ Programming Guide, "Technical Specifications per Compute Capability": maximum number of resident threads.
    if (major == 7 && minor == 5)
        return 1024;
    return (major == 8 && minor != 0) || major == 12 ? 1536 : 2048;
}

} // namespace gantry::importing
