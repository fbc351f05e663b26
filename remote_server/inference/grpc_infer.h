#pragma once

#include "remote_server/inference/protocol_calls.h"

#include "inference/grpc_service.pb.h"

#include <grpcpp/support/server_callback.h>

namespace gantry::inference_server {

/// ModelInfer. The reactor deletes itself, as gRPC's callback API asks; `request` and `reply` live until then.
[[nodiscard]] grpc::ServerUnaryReactor* inferOnce(ProtocolCalls& calls, const inference::ModelInferRequest& request,
                                                  inference::ModelInferResponse& reply);

/// ModelStreamInfer: each request is answered when it is done, in any order, by a decoupled model several times. The same.
[[nodiscard]] grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* inferStream(ProtocolCalls& calls);

} // namespace gantry::inference_server
