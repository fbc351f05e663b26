#pragma once

#include "trace_model/records/chunk_writer.h"

#include <atomic>
#include <cstdint>
#include <ctime>

/// What the parts of the capture library share. There is one state per process, made when the library is first entered and
/// never destroyed: late callbacks may touch it while the process exits.
namespace gantry::capture {

struct CaptureState
{
    std::atomic<std::uint32_t> nvtxWindow{0}; ///< id of the open window if it records NVTX, else 0
    std::atomic<bool> cudaLoaded{false};
    records::RegionWriter region;
    int regionFd = -1;

    explicit CaptureState(void* memory) : region(memory) {}
};

extern std::atomic<CaptureState*> g_process;

/// The process's state; null until enter() has set it up, and where that failed.
[[nodiscard]] inline CaptureState* state()
{
    return g_process.load(std::memory_order_acquire);
}

/// Sets up region and control thread once; safe from several threads and from static constructors. False: capture is off.
bool enter();

[[nodiscard]] std::uint32_t currentThreadId();

[[nodiscard]] inline std::int64_t clockNs(clockid_t clock)
{
    timespec t{};
    clock_gettime(clock, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

/// This thread's cursor into the region.
[[nodiscard]] records::ThreadCursor& threadCursor();

} // namespace gantry::capture
