#include "trace_model/trace/counter_window.h"

#include <algorithm>

namespace gantry::trace {

SamplesInWindow samplesInWindow(const Trace& trace, const CounterColumns& counter)
{
    const auto& times = counter.time;
    if (trace.window.isEmpty())
        return {0, times.size()};
    const auto begin = std::lower_bound(times.begin(), times.end(), trace.window.start);
    const auto end = std::upper_bound(begin, times.end(), trace.window.end);
    return {static_cast<std::size_t>(begin - times.begin()), static_cast<std::size_t>(end - times.begin())};
}

} // namespace gantry::trace
