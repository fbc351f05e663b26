#include "remote_server/node/server_probe.h"

#include "inference/grpc_service.grpc.pb.h"

#include <chrono>
#include <grpcpp/grpcpp.h>

namespace gantry::node {

std::optional<std::vector<proto::ModelInfo>> readyModels(const std::string& grpcAddress)
{
    const auto stub = inference::GRPCInferenceService::NewStub(grpc::CreateChannel(grpcAddress, grpc::InsecureChannelCredentials()));
    const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(1);
    grpc::ClientContext readyContext, indexContext;
    readyContext.set_deadline(deadline);
    indexContext.set_deadline(deadline);
    inference::ServerReadyResponse ready;
    if (!stub->ServerReady(&readyContext, {}, &ready).ok() || !ready.ready())
        return {};
    inference::RepositoryIndexResponse index;
    if (!stub->RepositoryIndex(&indexContext, {}, &index).ok())
        return std::vector<proto::ModelInfo>{}; // ready, but it has no repository to list
    std::vector<proto::ModelInfo> models;
    for (const auto& model : index.models())
        models.push_back({model.name(), model.version(), model.state(), model.reason()});
    return models;
}

} // namespace gantry::node
