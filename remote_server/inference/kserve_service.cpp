#include "remote_server/inference/kserve_service.h"

#include "remote_server/inference/grpc_infer.h"
#include "remote_server/inference/protocol_status.h"

namespace gantry::inference_server {
namespace {

/// Runs `call`, which gives a Result<void>, and ends the RPC with what it says.
template <typename Call>
grpc::ServerUnaryReactor* answer(grpc::CallbackServerContext* context, const Call& call)
{
    grpc::Status status;
    try {
        if (const Result<void> result = call(); !result)
            status = grpcStatusOf(result.error());
    } catch (const std::exception& error) { // out of memory, say; the server lives
        status = {grpc::StatusCode::INTERNAL, error.what()};
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
}

/// The same with a reply.
template <typename Reply>
Result<void> take(Result<Reply> result, Reply* reply)
{
    GANTRY_TRY(*reply, std::move(result));
    return {};
}

} // namespace

grpc::ServerUnaryReactor* KServeService::ServerLive(Context* context, const inference::ServerLiveRequest*,
                                                    inference::ServerLiveResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        reply->set_live(true);
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::ServerReady(Context* context, const inference::ServerReadyRequest*,
                                                     inference::ServerReadyResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        reply->set_ready(m_calls.isReady());
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::ModelReady(Context* context, const inference::ModelReadyRequest* request,
                                                    inference::ModelReadyResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        GANTRY_TRY(const bool ready, m_calls.isModelReady(request->name(), request->version()));
        reply->set_ready(ready);
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::ServerMetadata(Context* context, const inference::ServerMetadataRequest*,
                                                        inference::ServerMetadataResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        *reply = ProtocolCalls::serverMetadata();
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::ModelMetadata(Context* context, const inference::ModelMetadataRequest* request,
                                                       inference::ModelMetadataResponse* reply)
{
    return answer(context, [&] { return take(m_calls.modelMetadata(request->name(), request->version()), reply); });
}

grpc::ServerUnaryReactor* KServeService::ModelConfig(Context* context, const inference::ModelConfigRequest* request,
                                                     inference::ModelConfigResponse* reply)
{
    return answer(context, [&] { return take(m_calls.modelConfig(request->name(), request->version()), reply); });
}

grpc::ServerUnaryReactor* KServeService::ModelStatistics(Context* context, const inference::ModelStatisticsRequest* request,
                                                         inference::ModelStatisticsResponse* reply)
{
    return answer(context, [&] { return take(m_calls.statistics(request->name(), request->version()), reply); });
}

grpc::ServerUnaryReactor* KServeService::RepositoryIndex(Context* context, const inference::RepositoryIndexRequest* request,
                                                         inference::RepositoryIndexResponse* reply)
{
    return answer(context, [&] { return take(m_calls.index(*request), reply); });
}

grpc::ServerUnaryReactor* KServeService::RepositoryModelLoad(Context* context, const inference::RepositoryModelLoadRequest* request,
                                                             inference::RepositoryModelLoadResponse*)
{
    return answer(context, [&] { return m_calls.load(*request); });
}

grpc::ServerUnaryReactor* KServeService::RepositoryModelUnload(Context* context, const inference::RepositoryModelUnloadRequest* request,
                                                               inference::RepositoryModelUnloadResponse*)
{
    return answer(context, [&] { return m_calls.unload(*request); });
}

grpc::ServerUnaryReactor* KServeService::SystemSharedMemoryStatus(Context* context,
                                                                  const inference::SystemSharedMemoryStatusRequest* request,
                                                                  inference::SystemSharedMemoryStatusResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        GANTRY_TRY(const auto regions, m_calls.sharedMemory().systemRegions(request->name()));
        for (const SharedMemory::SystemRegion& region : regions) {
            auto& status = (*reply->mutable_regions())[region.name];
            status.set_name(region.name);
            status.set_key(region.key);
            status.set_offset(region.offset);
            status.set_byte_size(region.bytes);
        }
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::SystemSharedMemoryRegister(Context* context,
                                                                    const inference::SystemSharedMemoryRegisterRequest* request,
                                                                    inference::SystemSharedMemoryRegisterResponse*)
{
    return answer(context, [&] {
        return m_calls.sharedMemory().registerSystem({request->name(), request->key(), request->offset(), request->byte_size()});
    });
}

grpc::ServerUnaryReactor* KServeService::SystemSharedMemoryUnregister(Context* context,
                                                                      const inference::SystemSharedMemoryUnregisterRequest* request,
                                                                      inference::SystemSharedMemoryUnregisterResponse*)
{
    return answer(context, [&]() -> Result<void> {
        m_calls.sharedMemory().unregisterSystem(request->name());
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::CudaSharedMemoryStatus(Context* context, const inference::CudaSharedMemoryStatusRequest* request,
                                                                inference::CudaSharedMemoryStatusResponse* reply)
{
    return answer(context, [&]() -> Result<void> {
        GANTRY_TRY(const auto regions, m_calls.sharedMemory().cudaRegions(request->name()));
        for (const SharedMemory::CudaRegion& region : regions) {
            auto& status = (*reply->mutable_regions())[region.name];
            status.set_name(region.name);
            status.set_device_id(region.device);
            status.set_byte_size(region.bytes);
        }
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::CudaSharedMemoryRegister(Context* context,
                                                                  const inference::CudaSharedMemoryRegisterRequest* request,
                                                                  inference::CudaSharedMemoryRegisterResponse*)
{
    return answer(context, [&] {
        const auto device = static_cast<std::uint64_t>(request->device_id()); // a negative one is no device's number
        return m_calls.sharedMemory().registerCuda({request->name(), device, request->byte_size()}, request->raw_handle());
    });
}

grpc::ServerUnaryReactor* KServeService::CudaSharedMemoryUnregister(Context* context,
                                                                    const inference::CudaSharedMemoryUnregisterRequest* request,
                                                                    inference::CudaSharedMemoryUnregisterResponse*)
{
    return answer(context, [&]() -> Result<void> {
        m_calls.sharedMemory().unregisterCuda(request->name());
        return {};
    });
}

grpc::ServerUnaryReactor* KServeService::TraceSetting(Context* context, const inference::TraceSettingRequest* request,
                                                      inference::TraceSettingResponse* reply)
{
    return answer(context, [&] { return take(m_calls.traceSetting(*request), reply); });
}

grpc::ServerUnaryReactor* KServeService::LogSettings(Context* context, const inference::LogSettingsRequest* request,
                                                     inference::LogSettingsResponse* reply)
{
    return answer(context, [&] { return take(m_calls.logSettings(*request), reply); });
}

grpc::ServerUnaryReactor* KServeService::ModelInfer(Context*, const inference::ModelInferRequest* request,
                                                    inference::ModelInferResponse* reply)
{
    return inferOnce(m_calls, *request, *reply);
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* KServeService::ModelStreamInfer(Context*)
{
    return inferStream(m_calls);
}

} // namespace gantry::inference_server
