#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"

namespace gantry::node {

/// Whether CUPTI is found, by a program that gantryd starts for it: its library runs code when it is loaded, and some versions crash when
/// they are unloaded. Any thread.
[[nodiscard]] ReadinessItems checkCupti(const ReadinessInputs& inputs);

/// What is known of a version of CUPTI (cuptiGetVersion) on a driver for CUDA up to `driverCuda` (13000 is 13.0; 0: not known).
[[nodiscard]] proto::ReadinessItem judgeCupti(std::uint32_t version, const std::string& path, int driverCuda);

} // namespace gantry::node
