#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <stop_token>
#include <vector>

namespace gantry::findings {

/// What ran on one stream. Durations are parts of the window.
struct StreamFacts
{
    trace::GpuPlace place;
    std::size_t kernels = 0, copies = 0;
    DurationNs busy = 0;       ///< time in which anything of it ran
    DurationNs kernelTime = 0; ///< sum over its kernels and graphs
    DurationNs copyTime = 0;
    DurationNs pageableTime = 0; ///< of copyTime, copies from or to pageable memory
};

/// A stretch in which nothing ran on a GPU, between two pieces of work.
struct GpuGap
{
    TimeRange time;
    trace::EventId next; ///< what ended it
};

/// What ran on one GPU.
struct GpuFacts
{
    std::uint32_t file = 0, device = 0;
    std::vector<StreamFacts> streams; ///< the busiest first
    DurationNs busy = 0;              ///< time in which anything ran
    DurationNs streamBusy = 0;        ///< sum of the streams' busy times
    TimeRange active;                 ///< from the first to the last of its work, in the window
    std::vector<GpuGap> gaps;         ///< by time

    /// Kernels, graphs and copies.
    [[nodiscard]] std::size_t pieces() const;
    /// Sum of busy streams over time with any: 1 where never two streams run at once.
    [[nodiscard]] double concurrency() const { return busy > 0 ? static_cast<double>(streamBusy) / static_cast<double>(busy) : 0; }
};

/// The GPUs that anything ran on, by file and number. Migrations of unified memory are of no stream and do not count. Linear in the GPU
/// work.
[[nodiscard]] std::vector<GpuFacts> gpuFacts(const trace::Trace& trace, TimeRange window, const std::stop_token& stop);

} // namespace gantry::findings
