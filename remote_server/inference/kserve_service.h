#pragma once

#include "remote_server/inference/server.h"

#include "inference/grpc_service.grpc.pb.h"

#include <atomic>

namespace gantry::inference_server {

/// The KServe v2 gRPC service. Callback API: a request in flight holds no thread.
class KServeService final : public inference::GRPCInferenceService::CallbackService
{
public:
    explicit KServeService(InferenceServer& server) : m_server(server) {}

    /// After this the server is live but not ready.
    void beginShutdown() { m_ready = false; }

    using Context = grpc::CallbackServerContext;
    grpc::ServerUnaryReactor* ServerLive(Context* context, const inference::ServerLiveRequest* request, inference::ServerLiveResponse* reply) override;
    grpc::ServerUnaryReactor* ServerReady(Context* context, const inference::ServerReadyRequest* request, inference::ServerReadyResponse* reply) override;
    grpc::ServerUnaryReactor* ModelReady(Context* context, const inference::ModelReadyRequest* request, inference::ModelReadyResponse* reply) override;
    grpc::ServerUnaryReactor* ServerMetadata(Context* context, const inference::ServerMetadataRequest* request, inference::ServerMetadataResponse* reply) override;
    grpc::ServerUnaryReactor* ModelMetadata(Context* context, const inference::ModelMetadataRequest* request, inference::ModelMetadataResponse* reply) override;
    grpc::ServerUnaryReactor* ModelConfig(Context* context, const inference::ModelConfigRequest* request, inference::ModelConfigResponse* reply) override;
    grpc::ServerUnaryReactor* ModelStatistics(Context* context, const inference::ModelStatisticsRequest* request, inference::ModelStatisticsResponse* reply) override;
    grpc::ServerUnaryReactor* RepositoryIndex(Context* context, const inference::RepositoryIndexRequest* request, inference::RepositoryIndexResponse* reply) override;
    grpc::ServerUnaryReactor* ModelInfer(Context* context, const inference::ModelInferRequest* request, inference::ModelInferResponse* reply) override;
    grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* ModelStreamInfer(Context* context) override;

private:
    InferenceServer& m_server;
    std::atomic<bool> m_ready{true};
};

} // namespace gantry::inference_server
