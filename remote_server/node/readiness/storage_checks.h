#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

/// Parts of the readiness of a node that ask file systems, and may hang with them. Any thread.
namespace gantry::node {

[[nodiscard]] ReadinessItems checkDisk(const ReadinessInputs& inputs);
[[nodiscard]] ReadinessItems checkSharedMemory(const ReadinessInputs& inputs);

} // namespace gantry::node
