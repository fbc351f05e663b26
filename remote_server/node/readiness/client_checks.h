#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

/// Other programs that record, and may stand in Gantry's way. Any thread.
namespace gantry::node {

/// Who may hold the hardware counters or CUPTI: DCGM, other profilers, MPS.
[[nodiscard]] ReadinessItems checkCounterClients(const ReadinessInputs& inputs);
/// Whether targets of gantryd would be another profiler's.
[[nodiscard]] ReadinessItems checkInjection(const ReadinessInputs& inputs);

} // namespace gantry::node
