#pragma once

#include <cuda.h>

#include <cstdint>

/// A CUDA driver that knows streams by their numbers and nothing else. One thread.
namespace gantry::capture {

/// A handle of stream `id` on a device, each of which has one context. `device` below 16, `id` below 4096 and not 0.
[[nodiscard]] inline CUstream fakeStream(std::uintptr_t device, std::uintptr_t id)
{
    return reinterpret_cast<CUstream>(device << 12 | id); // NOLINT(performance-no-int-to-ptr): handles are opaque
}

/// Contexts that were pushed and not popped.
[[nodiscard]] int fakeContextsPushed();

} // namespace gantry::capture
