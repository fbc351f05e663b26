#pragma once

#include "trace_model/trace/trace.h"

#include <cstdint>
#include <memory>

namespace gantry::bench {

/// The synthetic training of `events` events in all, run by `ranks` processes on a GPU each: a trace with eight streams and two threads
/// for each of them. Throws std::runtime_error when it cannot be built.
[[nodiscard]] std::shared_ptr<const trace::Trace> traceOfRanks(std::uint64_t events, std::uint32_t ranks);

} // namespace gantry::bench
