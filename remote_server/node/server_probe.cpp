#include "remote_server/node/server_probe.h"

#include "inference/grpc_service.grpc.pb.h"

#include <algorithm>
#include <chrono>
#include <grpcpp/grpcpp.h>

namespace gantry::node {
namespace {

/// Platform of a loaded model; empty when the server does not say in time.
std::string platformOf(inference::GRPCInferenceService::Stub& stub, const proto::ModelInfo& model,
                       std::chrono::system_clock::time_point deadline)
{
    grpc::ClientContext context;
    context.set_deadline(deadline);
    inference::ModelMetadataRequest request;
    request.set_name(model.name);
    request.set_version(model.version);
    inference::ModelMetadataResponse metadata;
    return stub.ModelMetadata(&context, request, &metadata).ok() ? metadata.platform() : std::string();
}

} // namespace

std::optional<std::vector<proto::ModelInfo>> readyModels(const std::string& grpcAddress, const std::vector<proto::ModelInfo>& known)
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
        models.push_back({model.name(), model.version(), model.state(), {}, model.reason()});
    for (proto::ModelInfo& model : models) {
        const auto before =
            std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.name == model.name && k.version == model.version; });
        if (before != known.end() && !before->platform.empty())
            model.platform = before->platform;
        else if (model.state == "READY")
            model.platform = platformOf(*stub, model, deadline);
    }
    return models;
}

} // namespace gantry::node
