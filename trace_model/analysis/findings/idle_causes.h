#pragma once

#include "trace_model/analysis/findings/gpu_facts.h"
#include "trace_model/analysis/findings/host_facts.h"
#include "trace_model/analysis/findings/serving_facts.h"
#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstdint>
#include <stop_token>
#include <string_view>
#include <vector>

namespace gantry::findings {

/// What a GPU that does nothing waits for: what the thread that launches its next work does meanwhile.
enum class IdleCause : std::uint8_t
{
    Launching,  ///< calls that launch kernels, graphs and asynchronous copies
    Copying,    ///< synchronous copies and memsets
    Waiting,    ///< synchronisation: the thread learns late that the GPU is done
    Memory,     ///< allocating, releasing, page-locking
    Loading,    ///< code, contexts, graphs
    OtherCalls, ///< of CUDA
    HostCode,   ///< none of CUDA's calls
    Batching,   ///< the thread executes nothing, though requests of its model wait
    NoRequests, ///< the thread executes nothing, and nothing waits
    Device,     ///< the work was launched before: it started late, or waited for other work of the GPU
    Unknown,    ///< the call that launched the next work was not recorded
};
inline constexpr std::size_t kIdleCauseCount = 11;

/// Of a sentence: "the host was in launch calls".
[[nodiscard]] std::string_view text(IdleCause cause);

/// Why one GPU was idle, in sum over its gaps.
struct IdleCauses
{
    static constexpr std::size_t kMostExamples = 3;
    struct Cause
    {
        DurationNs total = 0;
        std::vector<GpuGap> longest; ///< the gaps that it made most of, the longest first; at most kMostExamples
    };

    DurationNs total = 0; ///< of all gaps
    std::array<Cause, kIdleCauseCount> causes;

    [[nodiscard]] const Cause& operator[](IdleCause cause) const { return causes[static_cast<std::size_t>(cause)]; }
};

/// Explains every gap of a GPU. O(gaps log calls + calls in gaps).
[[nodiscard]] IdleCauses idleCauses(const trace::Trace& trace, const GpuFacts& gpu, const HostFacts& host, const ServingFacts& serving,
                                    const std::stop_token& stop);

} // namespace gantry::findings
