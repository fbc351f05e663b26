#pragma once

#include "remote_server/inference/infer_job.h"

#include "inference/grpc_service.pb.h"

#include <memory>

namespace gantry::inference_server {

/// Checks a request against the model and takes its tensors, raw or typed. Errors: BadInput with Triton's wording.
[[nodiscard]] Result<std::unique_ptr<InferJob>> jobFromRequest(const inference::ModelInferRequest& request, const ModelDescription& model);

/// Outputs as raw contents, only those asked for when any were named.
void fillResponse(const inference::ModelInferRequest& request, const ModelDescription& model, InferJob& job, inference::ModelInferResponse& response);

} // namespace gantry::inference_server
