#pragma once

#include "trace_model/trace/trace.h"

#include <cstddef>

namespace gantry::trace {

/// Which samples of a counter are of the window that was recorded: [begin, end). Reports hold those of some seconds around it too, which
/// are to be looked at and not to be judged. All of them where a file does not say which window it is of.
struct SamplesInWindow
{
    std::size_t begin = 0, end = 0;

    [[nodiscard]] std::size_t size() const { return end - begin; }
};
[[nodiscard]] SamplesInWindow samplesInWindow(const Trace& trace, const CounterColumns& counter);

} // namespace gantry::trace
