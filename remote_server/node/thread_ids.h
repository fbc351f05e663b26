#pragma once

#include <cstdint>

namespace gantry::node {

/// The number that a thread has for itself, which is in its NVTX and CUDA events: in a pid namespace of its own, as in a container, it is
/// another one than `tid` here (proc(5), NSpid). `tid` itself where that cannot be read. Any thread.
[[nodiscard]] std::uint32_t ownThreadId(int pid, std::uint32_t tid);

} // namespace gantry::node
