#pragma once

#include "inference/grpc_service.grpc.pb.h"
#include "remote_server/load/input_data.h"
#include "remote_server/load/load_options.h"
#include "trace_model/base/result.h"

#include <grpcpp/support/slice.h>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::load {

/// The requests of one model, used in turn.
struct ModelRequests
{
    std::string model;
    bool isDecoupled = false;          ///< by model_transaction_policy: they go by ModelStreamInfer, and have several responses
    std::vector<grpc::Slice> variants; ///< one at least: ModelInferRequests without an id in their wire form, whose bytes copies share
};

/// Asks the server what its models take, and makes requests of it. Errors: Unreachable, NotFound (no such model), BadInput (a batch larger
/// than the model allows, data or shapes that do not fit, by the name of the input), Cancelled.
[[nodiscard]] Result<std::vector<ModelRequests>> makeRequests(inference::GRPCInferenceService::Stub& stub, const LoadOptions& options,
                                                              const std::stop_token& stop);

} // namespace gantry::load
