#pragma once

#include "remote_server/inference/infer_request.h"

#include "inference/grpc_service.pb.h"

namespace gantry::inference_server {

/// Takes a request off the wire of gRPC. Errors: BadInput with Triton's wording.
[[nodiscard]] Result<InferRequest> requestFromProto(const inference::ModelInferRequest& wire);

/// All outputs as raw contents, empty ones for those in shared memory, as Triton answers.
void answerToProto(InferAnswer answer, inference::ModelInferResponse& response);

/// What Triton's streams say in each response: whether it is the last one of its request.
void markFinal(inference::ModelInferResponse& response, bool isFinal);

} // namespace gantry::inference_server
