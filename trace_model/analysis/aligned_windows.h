#pragma once

#include "trace_model/analysis/window_alignment.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::analysis {

/// What of two traces is compared where they are aligned: the part that both have from the aligned instant on.
struct AlignedWindows
{
    WindowAlignment by;
    std::array<TimeRange, 2> windows; ///< of one length; aligned by iteration, of as many iterations
    std::size_t iterations = 0;       ///< 0: not by iteration
    std::string sentence;             ///< "From range 'step' on: 1.200 s of A from 13 ms on, 1.200 s of B from 20 ms on."

    /// From a time of A to that of B beside it.
    [[nodiscard]] DurationNs shift() const { return windows[1].start - windows[0].start; }
};

/// Any thread. Errors: BadInput, what is missing of which trace and what there is instead.
[[nodiscard]] Result<AlignedWindows> alignedWindows(const trace::Trace& a, const trace::Trace& b, const WindowAlignment& alignment);

/// "start", "request:3" (from 1), "range:step", "iteration", "iteration:step". Errors: BadInput.
[[nodiscard]] Result<WindowAlignment> parseAlignment(std::string_view text);

} // namespace gantry::analysis
