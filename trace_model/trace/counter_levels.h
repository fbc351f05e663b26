#pragma once

#include "trace_model/trace/trace.h"

namespace gantry::trace {

/// Puts samples into the order of their time and indexes them: CounterColumns::levels and blockTime.
void sortAndIndex(CounterColumns& counter);

/// The smallest and largest of the samples [first, end), NaN where all of them are; first < end. Costs O(log n).
[[nodiscard]] CounterColumns::Extremes extremesOf(const CounterColumns& counter, std::size_t first, std::size_t end);

} // namespace gantry::trace
