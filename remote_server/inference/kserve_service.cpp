#include "remote_server/inference/kserve_service.h"

#include "remote_server/inference/infer_codec.h"

#include <fmt/format.h>
#include <mutex>

namespace gantry::inference_server {
namespace {

grpc::Status statusOf(const Error& error)
{
    switch (error.code) {
    case ErrorCode::BadInput: return {grpc::StatusCode::INVALID_ARGUMENT, error.text()};
    case ErrorCode::NotFound: return {grpc::StatusCode::NOT_FOUND, error.text()};
    case ErrorCode::Unreachable: return {grpc::StatusCode::UNAVAILABLE, error.text()};
    case ErrorCode::Unsupported: return {grpc::StatusCode::UNIMPLEMENTED, error.text()};
    default: return {grpc::StatusCode::INTERNAL, error.text()};
    }
}

grpc::Status unknownModel(const std::string& name)
{
    return {grpc::StatusCode::NOT_FOUND, fmt::format("Request for unknown model: '{}' is not found", name)};
}

grpc::ServerUnaryReactor* answer(grpc::CallbackServerContext* context, const grpc::Status& status = grpc::Status::OK)
{
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
}

Result<std::unique_ptr<InferJob>> checkedJob(const inference::ModelInferRequest& request, const ModelServer& model)
{
    GANTRY_TRY(auto job, jobFromRequest(request, model.description()));
    GANTRY_CHECK(model.check(*job));
    return job;
}

void duration(inference::StatisticDuration* out, std::uint64_t count, std::uint64_t ns)
{
    out->set_count(count);
    out->set_ns(ns);
}

/// One stream of requests: each is answered when it is done, in any order; writes go out one after the other. With kMostUnanswered
/// of them on their way the next one is not read, so that a client which does not take its answers is slowed down by flow control.
class StreamReactor : public grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>
{
public:
    explicit StreamReactor(const InferenceServer& server) : m_server(server) { StartRead(&m_request); }

    void OnReadDone(bool ok) override
    {
        if (!ok) {
            const std::lock_guard lock(m_mutex);
            m_readingDone = true;
            finishIfDone();
            return;
        }
        infer();
        const std::lock_guard lock(m_mutex);
        m_isReading = false;
        readNext();
    }

    void OnWriteDone(bool) override
    {
        const std::lock_guard lock(m_mutex);
        m_outgoing.pop_front();
        m_writing = false;
        writeNext();
        readNext();
        finishIfDone();
    }

    void OnDone() override { delete this; }

private:
    // Each may hold an answer in memory; and one stream alone fills batches only up to this size.
    static constexpr std::size_t kMostUnanswered = 256;

    void readNext()
    {
        if (m_isReading || m_readingDone || m_inFlight + m_outgoing.size() >= kMostUnanswered)
            return;
        m_isReading = true;
        StartRead(&m_request);
    }

    void infer()
    {
        const std::shared_ptr<ModelServer> model = m_server.find(m_request.model_name(), m_request.model_version());
        if (!model)
            return respond(errorResponse(m_request.id(), unknownModel(m_request.model_name()).error_message()));
        auto job = checkedJob(m_request, *model);
        if (!job)
            return respond(errorResponse(m_request.id(), job.error().text()));
        {
            const std::lock_guard lock(m_mutex);
            ++m_inFlight;
        }
        auto request = std::make_shared<inference::ModelInferRequest>(std::move(m_request));
        (*job)->done = [this, request, model](InferJob& finished, const Result<void>& result) {
            auto response = result ? std::make_unique<inference::ModelStreamInferResponse>() : errorResponse(request->id(), result.error().text());
            if (result)
                fillResponse(*request, model->description(), finished, *response->mutable_infer_response());
            const std::lock_guard lock(m_mutex);
            --m_inFlight;
            m_outgoing.push_back(std::move(response));
            writeNext();
        };
        model->enqueue(std::move(*job));
    }

    /// With the request's id, as Triton does: answers come in any order, and the client must know which one this is.
    static std::unique_ptr<inference::ModelStreamInferResponse> errorResponse(const std::string& id, const std::string& text)
    {
        auto response = std::make_unique<inference::ModelStreamInferResponse>();
        response->mutable_infer_response()->set_id(id);
        response->set_error_message(text);
        return response;
    }

    void respond(std::unique_ptr<inference::ModelStreamInferResponse> response)
    {
        const std::lock_guard lock(m_mutex);
        m_outgoing.push_back(std::move(response));
        writeNext();
    }

    void writeNext()
    {
        if (m_writing || m_outgoing.empty())
            return;
        m_writing = true;
        StartWrite(m_outgoing.front().get());
    }

    void finishIfDone()
    {
        if (m_readingDone && !m_finished && m_inFlight == 0 && !m_writing && m_outgoing.empty()) {
            m_finished = true;
            Finish(grpc::Status::OK);
        }
    }

    const InferenceServer& m_server;
    inference::ModelInferRequest m_request;
    std::mutex m_mutex;
    std::deque<std::unique_ptr<inference::ModelStreamInferResponse>> m_outgoing;
    std::size_t m_inFlight = 0;
    bool m_isReading = true, m_writing = false, m_readingDone = false, m_finished = false;
};

} // namespace

grpc::ServerUnaryReactor* KServeService::ServerLive(Context* context, const inference::ServerLiveRequest*, inference::ServerLiveResponse* reply)
{
    reply->set_live(true);
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ServerReady(Context* context, const inference::ServerReadyRequest*, inference::ServerReadyResponse* reply)
{
    reply->set_ready(m_ready);
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ModelReady(Context* context, const inference::ModelReadyRequest* request, inference::ModelReadyResponse* reply)
{
    reply->set_ready(m_server.find(request->name(), request->version()) != nullptr);
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ServerMetadata(Context* context, const inference::ServerMetadataRequest*, inference::ServerMetadataResponse* reply)
{
    reply->set_name("gantry-serve");
    reply->set_version(GANTRY_VERSION);
    for (const char* extension : {"model_repository", "model_configuration", "binary_tensor_data", "statistics"})
        reply->add_extensions(extension);
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ModelMetadata(Context* context, const inference::ModelMetadataRequest* request, inference::ModelMetadataResponse* reply)
{
    const std::shared_ptr<const ModelServer> model = m_server.find(request->name(), request->version());
    if (!model)
        return answer(context, unknownModel(request->name()));
    const ModelDescription& description = model->description();
    reply->set_name(description.name);
    reply->add_versions(description.version);
    reply->set_platform(description.config.backend());
    const auto add = [&](auto* out, const auto& tensor) {
        out->set_name(tensor.name());
        out->set_datatype(datatypeName(tensor.data_type()));
        if (description.config.max_batch_size() > 0)
            out->add_shape(-1);
        out->mutable_shape()->MergeFrom(tensor.dims());
    };
    for (const auto& input : description.config.input())
        add(reply->add_inputs(), input);
    for (const auto& output : description.config.output())
        add(reply->add_outputs(), output);
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ModelConfig(Context* context, const inference::ModelConfigRequest* request, inference::ModelConfigResponse* reply)
{
    const std::shared_ptr<const ModelServer> model = m_server.find(request->name(), request->version());
    if (!model)
        return answer(context, unknownModel(request->name()));
    *reply->mutable_config() = model->description().config;
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ModelStatistics(Context* context, const inference::ModelStatisticsRequest* request, inference::ModelStatisticsResponse* reply)
{
    if (!request->name().empty() && !m_server.find(request->name(), request->version()))
        return answer(context, {grpc::StatusCode::INVALID_ARGUMENT, fmt::format("requested model '{}' is not available", request->name())});
    for (const auto& model : m_server.serving()) {
        const ModelDescription& description = model->description();
        if ((!request->name().empty() && request->name() != description.name) ||
            (!request->version().empty() && request->version() != description.version))
            continue;
        const auto values = model->statistics().values();
        auto* out = reply->add_model_stats();
        out->set_name(description.name);
        out->set_version(description.version);
        out->set_last_inference(values.lastInferenceMs);
        out->set_inference_count(values.inferences);
        out->set_execution_count(values.executions);
        auto* stats = out->mutable_inference_stats();
        duration(stats->mutable_success(), values.success, values.requestNs);
        duration(stats->mutable_fail(), values.failed, values.failedNs);
        duration(stats->mutable_queue(), values.success, values.queueNs);
        const std::uint64_t computed = values.success - values.cacheHits;
        duration(stats->mutable_compute_input(), computed, values.inputNs);
        duration(stats->mutable_compute_infer(), computed, values.inferNs);
        duration(stats->mutable_compute_output(), computed, values.outputNs);
        duration(stats->mutable_cache_hit(), values.cacheHits, values.hitLookupNs);
        duration(stats->mutable_cache_miss(), values.cacheMisses, values.missLookupNs + values.missInsertNs);
        for (const auto& [size, batch] : values.batches) {
            auto* batchStats = out->add_batch_stats();
            batchStats->set_batch_size(size);
            duration(batchStats->mutable_compute_input(), batch[0], batch[1]);
            duration(batchStats->mutable_compute_infer(), batch[0], batch[2]);
            duration(batchStats->mutable_compute_output(), batch[0], batch[3]);
        }
    }
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::RepositoryIndex(Context* context, const inference::RepositoryIndexRequest* request, inference::RepositoryIndexResponse* reply)
{
    for (const IndexEntry& model : m_server.index(request->ready())) {
        auto* entry = reply->add_models();
        entry->set_name(model.name);
        entry->set_version(model.version);
        entry->set_state(model.state);
        entry->set_reason(model.reason);
    }
    return answer(context);
}

grpc::ServerUnaryReactor* KServeService::ModelInfer(Context* context, const inference::ModelInferRequest* request, inference::ModelInferResponse* reply)
{
    const std::shared_ptr<ModelServer> model = m_server.find(request->model_name(), request->model_version());
    if (!model)
        return answer(context, unknownModel(request->model_name()));
    auto job = checkedJob(*request, *model);
    if (!job)
        return answer(context, statusOf(job.error()));
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    (*job)->done = [reactor, request, reply, model](InferJob& finished, const Result<void>& result) {
        if (result)
            fillResponse(*request, model->description(), finished, *reply);
        reactor->Finish(result ? grpc::Status::OK : statusOf(result.error()));
    };
    model->enqueue(std::move(*job));
    return reactor;
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* KServeService::ModelStreamInfer(Context*)
{
    return new StreamReactor(m_server); // deletes itself in OnDone, as gRPC's callback API asks
}

} // namespace gantry::inference_server
