#pragma once

#include "remote_server/inference/backends/backend.h"

namespace gantry::inference_server {

/// Each output is the input of the same place, of any type, on the CPU. Parameters: `execute_delay_ms` (Triton's name) and
/// `execute_delay_us`, how long an execution sleeps; `responses` of a decoupled model, how often each request is answered (1; 0 is
/// an empty final response).
[[nodiscard]] Result<std::unique_ptr<BackendFactory>> createIdentity(const inference::ModelConfig& config);

/// Outputs like the inputs, where there are none: OUTPUT0 for the first.
void completeIdentity(inference::ModelConfig& config);

} // namespace gantry::inference_server
