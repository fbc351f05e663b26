#pragma once

#include <cstdint>

namespace gantry::trace {

/// One number for the correlation id of a process: ids repeat from process to process, processes from machine to machine.
[[nodiscard]] constexpr std::uint64_t launchKey(std::uint64_t globalPid, std::uint32_t correlation)
{
    const std::uint64_t pid = globalPid >> 24 & 0xFFFFFF, file = globalPid >> 56;
    return (file << 24 | pid) << 32 | correlation;
}

} // namespace gantry::trace
