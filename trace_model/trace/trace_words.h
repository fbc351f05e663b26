#pragma once

#include "trace_model/trace/trace.h"

#include <cstdint>
#include <string_view>

namespace gantry::trace {

// What things of a trace are called: other tools than Nsight Systems have ranges that are no NVTX, other GPUs an API that is not CUDA's.

/// What a range or mark is.
enum class RangeOrigin : std::uint8_t
{
    Nvtx,
    Operator,       ///< of PyTorch
    Annotation,     ///< of PyTorch
    PythonFunction, ///< as PyTorch's profiler saw it
    Iteration,      ///< of a serving loop
    Span,           ///< of any other program
};

/// `domain`: of its label, which is the category for what is no NVTX.
[[nodiscard]] RangeOrigin originOf(const Trace& trace, std::uint64_t globalTid, StringId domain);
/// Many of them: "NVTX", "Operators", "Spans".
[[nodiscard]] std::string_view name(RangeOrigin origin);
/// Those of all threads together: "NVTX ranges", or "Ranges" where none are NVTX.
[[nodiscard]] std::string_view rangesName(const Trace& trace);
/// The same of marks.
[[nodiscard]] std::string_view marksName(const Trace& trace);
/// Those on the streams of a file's GPUs: "NVTX on the GPU", "Annotations on the GPU".
[[nodiscard]] std::string_view gpuRangesName(const Trace& trace, std::uint32_t file);

/// "CUDA API", "HIP API": by the calls that are there.
[[nodiscard]] std::string_view apiName(const Trace& trace);

} // namespace gantry::trace
