#pragma once

#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/proto/management_types.h"

#include <string>

namespace gantry::node {

/// What NVML says of the state of one GPU: memory errors, what holds its clocks down, power limit, persistence, MIG. Blocks as long as
/// the driver does.
[[nodiscard]] proto::ReadinessItem gpuHealth(const NvmlLibrary& nvml, const NvmlLibrary::Device& gpu);

} // namespace gantry::node
