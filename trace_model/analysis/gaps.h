#pragma once

#include "trace_model/trace/trace.h"

#include <string>

namespace gantry::analysis {

/// Why counts and sums over a trace are lower than what really happened: "12 records were dropped; the file is truncated". Empty: nothing
/// says that they are.
[[nodiscard]] std::string gapsOf(const trace::Trace& trace);

} // namespace gantry::analysis
