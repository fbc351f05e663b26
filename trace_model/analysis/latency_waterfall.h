#pragma once

#include "trace_model/analysis/compared_side.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace gantry::analysis {

/// What a part of the latency adds to its change.
struct WaterfallStep
{
    enum class Of
    {
        Phase,  ///< one of the request's, or what is outside of them
        Kernel, ///< inside the phase before it, as the following
        Copy,
        Other,  ///< memsets, graphs that were recorded as a whole
        Gap,    ///< none of the execution's own work was on the GPU
    };
    Of of = Of::Phase;
    std::string name;    ///< "compute_infer", "gemm_qkv", "DtoH Device to Pageable", "no GPU work"
    std::string phase;   ///< that it is, or is inside of
    double a = 0, b = 0; ///< mean of a request, ns

    [[nodiscard]] double contribution() const { return b - a; }
};

/// The change of a model's mean latency as a sum. Phases add up to it, and the steps inside a phase to that phase: what runs on the GPU for the
/// request's executions, each moment counted once (for the work that began first), and the rest of the phase as a gap.
struct LatencyWaterfall
{
    std::string model;
    std::array<std::size_t, 2> requests{}; ///< complete ones
    double a = 0, b = 0;                   ///< mean latency, ns
    std::vector<WaterfallStep> steps;      ///< phases in order, each followed by what is inside of it, the largest change first
};

/// The waterfall of a model. `kernels`: the row of each kernel name (kernelRows()). Absent: a side has no complete request of the model.
/// Requests are those that are whole in the windows that are compared. Any thread; O((calls + GPU work) log n).
[[nodiscard]] std::optional<LatencyWaterfall> latencyWaterfall(const std::array<ComparedSide, 2>& sides, const std::string& model,
                                                               const std::array<std::vector<std::string>, 2>& kernels);

} // namespace gantry::analysis
