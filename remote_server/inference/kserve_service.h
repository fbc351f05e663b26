#pragma once

#include "remote_server/inference/protocol_calls.h"

#include "inference/grpc_service.grpc.pb.h"

namespace gantry::inference_server {

/// The KServe v2 gRPC service with Triton's extensions. Callback API: a request in flight holds no thread.
class KServeService final : public inference::GRPCInferenceService::CallbackService
{
public:
    explicit KServeService(ProtocolCalls& calls) : m_calls(calls) {}

    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;
    Reactor* ServerLive(Context* context, const inference::ServerLiveRequest* request, inference::ServerLiveResponse* reply) override;
    Reactor* ServerReady(Context* context, const inference::ServerReadyRequest* request, inference::ServerReadyResponse* reply) override;
    Reactor* ModelReady(Context* context, const inference::ModelReadyRequest* request, inference::ModelReadyResponse* reply) override;
    Reactor* ServerMetadata(Context* context, const inference::ServerMetadataRequest* request,
                            inference::ServerMetadataResponse* reply) override;
    Reactor* ModelMetadata(Context* context, const inference::ModelMetadataRequest* request,
                           inference::ModelMetadataResponse* reply) override;
    Reactor* ModelConfig(Context* context, const inference::ModelConfigRequest* request, inference::ModelConfigResponse* reply) override;
    Reactor* ModelStatistics(Context* context, const inference::ModelStatisticsRequest* request,
                             inference::ModelStatisticsResponse* reply) override;
    Reactor* RepositoryIndex(Context* context, const inference::RepositoryIndexRequest* request,
                             inference::RepositoryIndexResponse* reply) override;
    Reactor* RepositoryModelLoad(Context* context, const inference::RepositoryModelLoadRequest* request,
                                 inference::RepositoryModelLoadResponse* reply) override;
    Reactor* RepositoryModelUnload(Context* context, const inference::RepositoryModelUnloadRequest* request,
                                   inference::RepositoryModelUnloadResponse* reply) override;
    Reactor* SystemSharedMemoryStatus(Context* context, const inference::SystemSharedMemoryStatusRequest* request,
                                      inference::SystemSharedMemoryStatusResponse* reply) override;
    Reactor* SystemSharedMemoryRegister(Context* context, const inference::SystemSharedMemoryRegisterRequest* request,
                                        inference::SystemSharedMemoryRegisterResponse* reply) override;
    Reactor* SystemSharedMemoryUnregister(Context* context, const inference::SystemSharedMemoryUnregisterRequest* request,
                                          inference::SystemSharedMemoryUnregisterResponse* reply) override;
    Reactor* CudaSharedMemoryStatus(Context* context, const inference::CudaSharedMemoryStatusRequest* request,
                                    inference::CudaSharedMemoryStatusResponse* reply) override;
    Reactor* CudaSharedMemoryRegister(Context* context, const inference::CudaSharedMemoryRegisterRequest* request,
                                      inference::CudaSharedMemoryRegisterResponse* reply) override;
    Reactor* CudaSharedMemoryUnregister(Context* context, const inference::CudaSharedMemoryUnregisterRequest* request,
                                        inference::CudaSharedMemoryUnregisterResponse* reply) override;
    Reactor* TraceSetting(Context* context, const inference::TraceSettingRequest* request, inference::TraceSettingResponse* reply) override;
    Reactor* LogSettings(Context* context, const inference::LogSettingsRequest* request, inference::LogSettingsResponse* reply) override;
    Reactor* ModelInfer(Context* context, const inference::ModelInferRequest* request, inference::ModelInferResponse* reply) override;
    grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* ModelStreamInfer(Context* context) override;

private:
    ProtocolCalls& m_calls;
};

} // namespace gantry::inference_server
