#pragma once

#include "remote_server/inference/backends/backend.h"

namespace gantry::inference_server {

/// OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, INT32 or FP32, on the CPU.
[[nodiscard]] Result<std::unique_ptr<BackendFactory>> createAddSub(const inference::ModelConfig& config);

/// Inputs and outputs of TYPE_FP32 and any length, where there are none.
void completeAddSub(inference::ModelConfig& config);

} // namespace gantry::inference_server
