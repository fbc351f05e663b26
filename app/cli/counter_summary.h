#pragma once

#include "trace_model/trace/trace.h"

#include <string>
#include <vector>

namespace gantry::cli {

/// A metric over the whole of a trace.
struct CounterSummary
{
    std::string name, unit; ///< unit empty: a plain number
    std::size_t samples = 0;
    double min = 0, mean = 0, max = 0, last = 0; ///< mean of the samples, each counting the same
};

/// Of all metrics that have samples, in the order of their tracks.
[[nodiscard]] std::vector<CounterSummary> counterSummaries(const trace::Trace& trace);

/// The same as a table: name, samples, min, mean, max, last, with units.
[[nodiscard]] std::string text(const std::vector<CounterSummary>& counters);

} // namespace gantry::cli
