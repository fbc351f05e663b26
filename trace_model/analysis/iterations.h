#pragma once

#include "trace_model/trace/trace.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace gantry::analysis {

/// What repeats in a trace, one after the other.
struct Iterations
{
    std::string of;               ///< "range 'step'", "executions of bert_0"
    std::vector<TimeRange> times; ///< by start, none that began in another
};

/// The iterations of both traces, by the same thing: ranges whose text, but for its numbers, is `text` ("step 17" counts for "step 18");
/// with no text the range that covers most of A of those that repeat regularly in both, else the executions of the model that took most
/// time in A. Absent: a trace has fewer than two. Any thread; linear in the ranges and executions.
[[nodiscard]] std::optional<std::array<Iterations, 2>> commonIterations(const trace::Trace& a, const trace::Trace& b,
                                                                        const std::string& text);

} // namespace gantry::analysis
