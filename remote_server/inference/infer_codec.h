#pragma once

#include "remote_server/inference/infer_job.h"
#include "remote_server/inference/infer_request.h"

#include <memory>
#include <vector>

namespace gantry::inference_server {

/// Checks a request against the model, with Triton's rules and wording, and takes its tensors, also out of shared memory.
/// Errors: BadInput with a sentence that names the field, NotFound for an unknown region.
[[nodiscard]] Result<std::unique_ptr<InferJob>> jobFromRequest(InferRequest& request, const ModelDescription& model,
                                                               const SharedMemory& memory);

/// The outputs that the request asks for, in the model's order; those that it wants in shared memory are written there.
/// Errors: BadInput, NotFound.
[[nodiscard]] Result<InferAnswer> answerOf(const InferRequest& request, const ModelDescription& model, std::vector<Tensor> outputs,
                                           const SharedMemory& memory);

} // namespace gantry::inference_server
