#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

/// Parts of the readiness of a node that its driver and GPUs tell. Any thread.
namespace gantry::node {

/// The driver, and then a line for each GPU.
[[nodiscard]] ReadinessItems checkGpus(const ReadinessInputs& inputs);
/// Whether gantryd may sample the hardware counters of GPUs.
[[nodiscard]] ReadinessItems checkCounterPermission(const ReadinessInputs& inputs);

} // namespace gantry::node
