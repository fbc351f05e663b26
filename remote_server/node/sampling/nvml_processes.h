#pragma once

#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/proto/management_types.h"

#include <map>
#include <vector>

namespace gantry::node {

/// What NVML says of the processes that use one GPU, by their numbers: their memory, and how much of its multiprocessors they kept busy
/// in the last second, where it tells that.
[[nodiscard]] std::map<int, proto::ProcessGpuUse> processesOf(const NvmlLibrary& nvml, const NvmlLibrary::Device& gpu);

} // namespace gantry::node
