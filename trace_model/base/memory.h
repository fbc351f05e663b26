#pragma once

#include <cstdint>

namespace gantry {

/// Bytes of memory that can be had without anything being swapped out. Any thread.
[[nodiscard]] std::uint64_t availableMemory();

} // namespace gantry
