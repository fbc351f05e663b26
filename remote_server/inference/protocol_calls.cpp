#include "remote_server/inference/protocol_calls.h"

#include "remote_server/inference/infer_codec.h"
#include "remote_server/inference/proto_json.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <fmt/format.h>

namespace gantry::inference_server {
namespace {

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

Result<void> checkVersion(const std::string& version)
{
    const bool isNumber = std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!isNumber || version.size() > 18) // of an int64
        return bad(fmt::format("failed to get model version from specified version string '{}', version should be an integral value > 0",
                               version));
    return {};
}

Result<void> checkRepository(const std::string& name)
{
    if (!name.empty())
        return Error{ErrorCode::Unsupported, "'repository_name' specification is not supported", {}};
    return {};
}

void addDuration(inference::StatisticDuration* out, std::uint64_t count, std::uint64_t ns)
{
    out->set_count(count);
    out->set_ns(ns);
}

void addResponses(const std::vector<ModelStatistics::Responses>& responses, inference::ModelStatistics& out)
{
    const auto add = [](inference::StatisticDuration* to, const ModelStatistics::Responses::Sum& sum) {
        addDuration(to, sum.count, sum.ns);
    };
    for (std::size_t place = 0; place < responses.size(); ++place) {
        const ModelStatistics::Responses& of = responses[place];
        inference::InferResponseStatistics& stats = (*out.mutable_response_stats())[std::to_string(place)];
        add(stats.mutable_compute_infer(), of.infer);
        add(stats.mutable_compute_output(), of.output);
        add(stats.mutable_success(), of.sent);
        add(stats.mutable_fail(), of.failed);
        add(stats.mutable_empty_response(), of.empty);
        add(stats.mutable_cancel(), of.cancelled);
    }
}

void addStatistics(const ModelServer& model, inference::ModelStatistics& out)
{
    const auto values = model.statistics().values();
    out.set_name(model.description().name);
    out.set_version(model.description().version);
    out.set_last_inference(values.lastInferenceMs);
    out.set_inference_count(values.inferences);
    out.set_execution_count(values.executions);
    const std::uint64_t computed = values.success - values.cacheHits;
    auto* stats = out.mutable_inference_stats();
    addDuration(stats->mutable_success(), values.success, values.requestNs);
    addDuration(stats->mutable_fail(), values.failed, values.failedNs);
    addDuration(stats->mutable_queue(), values.success, values.queueNs);
    addDuration(stats->mutable_compute_input(), computed, values.inputNs);
    addDuration(stats->mutable_compute_infer(), computed, values.inferNs);
    addDuration(stats->mutable_compute_output(), computed, values.outputNs);
    addDuration(stats->mutable_cache_hit(), values.cacheHits, values.hitLookupNs);
    addDuration(stats->mutable_cache_miss(), values.cacheMisses, values.missLookupNs + values.missInsertNs);
    for (const auto& [size, batch] : values.batches) {
        auto* batchStats = out.add_batch_stats();
        batchStats->set_batch_size(size);
        addDuration(batchStats->mutable_compute_input(), batch[0], batch[1]);
        addDuration(batchStats->mutable_compute_infer(), batch[0], batch[2]);
        addDuration(batchStats->mutable_compute_output(), batch[0], batch[3]);
    }
    addResponses(values.responses, out);
}

template <typename Tensor>
void addMetadata(const Tensor& tensor, bool batches, inference::ModelMetadataResponse::TensorMetadata* out)
{
    out->set_name(tensor.name());
    out->set_datatype(datatypeName(tensor.data_type()));
    if (batches)
        out->add_shape(-1);
    out->mutable_shape()->MergeFrom(tensor.dims());
}

/// What RepositoryModelLoad gives beside the name.
struct LoadParameters
{
    std::optional<inference::ModelConfig> config;
    std::map<std::string, std::string> files;
};

Result<LoadParameters> loadParameters(const inference::RepositoryModelLoadRequest& request)
{
    LoadParameters parameters;
    for (const auto& [name, value] : request.parameters()) {
        if (name == "config") {
            if (!value.has_string_param())
                return bad("invalid value type for load parameter 'config', expected string_param.");
            GANTRY_CHECK(fromJson(value.string_param(), parameters.config.emplace()).context("load parameter 'config'"));
        } else if (name.starts_with("file:")) {
            if (!value.has_bytes_param())
                return bad(fmt::format("invalid value type for load parameter '{}', expected bytes_param.", name));
            parameters.files[name.substr(std::string_view("file:").size())] = value.bytes_param();
        } else {
            return bad(fmt::format("unrecognized load parameter '{}'.", name));
        }
    }
    return parameters;
}

std::int64_t nowNs()
{
    return std::chrono::steady_clock::now().time_since_epoch().count(); // CLOCK_MONOTONIC, as the times of requests
}

/// What a library throws (out of memory, say) fails the one request.
Result<void> fillCall(InferCall& call, ProtocolCalls& calls, const ReadRequest& read)
try {
    const ModelDescription& description = call.model->description();
    GANTRY_TRY(call.request, read(description));
    GANTRY_TRY(call.job, jobFromRequest(call.request, description, calls.sharedMemory()));
    GANTRY_CHECK(call.model->check(*call.job));
    call.cancelled = std::make_shared<std::atomic<bool>>(false);
    call.job->cancelled = call.cancelled;
    call.trace = calls.tracer().begin(description, call.request.id);
    if (call.trace)
        call.trace->addTensors("TENSOR_QUEUE_INPUT", call.job->inputs);
    return {};
} catch (const std::exception& error) {
    return Error{ErrorCode::Internal, std::string("the server failed with this request: ") + error.what(), {}};
}

} // namespace

ProtocolCalls::ProtocolCalls(InferenceServer& server, const ProtocolOptions& options)
    : m_server(server), m_log(options.log), m_tracer(options.trace), m_metrics(options.metrics)
{
}

Result<std::shared_ptr<ModelServer>> ProtocolCalls::findModel(const std::string& model, const std::string& version) const
{
    GANTRY_CHECK(checkVersion(version));
    if (auto found = m_server.find(model, version))
        return found;
    if (!version.empty())
        return Error{ErrorCode::NotFound, fmt::format("Request for unknown model: '{}' version {} is not found", model, version), {}};
    for (const IndexEntry& entry : m_server.index(false))
        if (entry.name == model)
            return Error{ErrorCode::NotFound, fmt::format("Request for unknown model: '{}' has no available versions", model), {}};
    return Error{ErrorCode::NotFound, fmt::format("Request for unknown model: '{}' is not found", model), {}};
}

void ProtocolCalls::beginShutdown()
{
    m_ready = false;
    std::set<std::shared_ptr<OpenStream>> streams;
    {
        const std::lock_guard lock(m_mutex);
        streams = m_streams;
    }
    for (const auto& stream : streams) // unlocked: one that ends at once forgets itself
        stream->endWithServer();
}

void ProtocolCalls::remember(std::shared_ptr<OpenStream> stream)
{
    OpenStream& remembered = *stream;
    {
        const std::lock_guard lock(m_mutex);
        m_streams.insert(std::move(stream));
    }
    if (!m_ready)
        remembered.endWithServer();
}

void ProtocolCalls::forget(const std::shared_ptr<OpenStream>& stream)
{
    const std::lock_guard lock(m_mutex);
    m_streams.erase(stream);
}

Result<bool> ProtocolCalls::isModelReady(const std::string& model, const std::string& version) const
{
    GANTRY_CHECK(checkVersion(version));
    return m_server.find(model, version) != nullptr;
}

inference::ServerMetadataResponse ProtocolCalls::serverMetadata()
{
    inference::ServerMetadataResponse response;
    response.set_name("gantry-serve");
    response.set_version(GANTRY_VERSION);
    for (const char* extension : {"classification", "model_repository", "schedule_policy", "model_configuration", "system_shared_memory",
                                  "cuda_shared_memory", "binary_tensor_data", "parameters", "statistics", "trace", "logging"})
        response.add_extensions(extension);
    return response;
}

Result<inference::ModelMetadataResponse> ProtocolCalls::modelMetadata(const std::string& model, const std::string& version) const
{
    GANTRY_TRY(const auto found, findModel(model, version));
    const ModelDescription& description = found->description();
    inference::ModelMetadataResponse response;
    response.set_name(description.name);
    for (const auto& serving : m_server.serving())
        if (serving->description().name == description.name && (version.empty() || serving->description().version == version))
            response.add_versions(serving->description().version);
    response.set_platform(description.config.platform().empty() ? description.config.backend() : description.config.platform());
    const bool batches = description.config.max_batch_size() > 0;
    for (const auto& input : description.config.input())
        addMetadata(input, batches, response.add_inputs());
    for (const auto& output : description.config.output())
        addMetadata(output, batches, response.add_outputs());
    return response;
}

Result<inference::ModelConfigResponse> ProtocolCalls::modelConfig(const std::string& model, const std::string& version) const
{
    GANTRY_TRY(const auto found, findModel(model, version));
    inference::ModelConfigResponse response;
    *response.mutable_config() = found->description().config;
    return response;
}

Result<inference::ModelStatisticsResponse> ProtocolCalls::statistics(const std::string& model, const std::string& version) const
{
    GANTRY_CHECK(checkVersion(version));
    inference::ModelStatisticsResponse response;
    bool isKnown = false;
    for (const auto& serving : m_server.serving()) {
        const ModelDescription& description = serving->description();
        if (!model.empty() && model != description.name)
            continue;
        isKnown = true;
        if (model.empty() || version.empty() || version == description.version)
            addStatistics(*serving, *response.add_model_stats());
    }
    if (!model.empty() && response.model_stats().empty())
        return bad(isKnown ? fmt::format("requested model version is not available for model '{}'", model)
                           : fmt::format("requested model '{}' is not available", model));
    return response;
}

Result<inference::RepositoryIndexResponse> ProtocolCalls::index(const inference::RepositoryIndexRequest& request) const
{
    GANTRY_CHECK(checkRepository(request.repository_name()));
    inference::RepositoryIndexResponse response;
    for (const IndexEntry& entry : m_server.index(request.ready())) {
        auto* model = response.add_models();
        model->set_name(entry.name);
        model->set_version(entry.version);
        model->set_state(entry.state);
        model->set_reason(entry.reason);
    }
    return response;
}

Result<void> ProtocolCalls::load(const inference::RepositoryModelLoadRequest& request)
{
    GANTRY_CHECK(checkRepository(request.repository_name()));
    GANTRY_TRY(const LoadParameters parameters, loadParameters(request));
    return m_server.loadModel(request.model_name(), parameters.config, parameters.files);
}

Result<void> ProtocolCalls::unload(const inference::RepositoryModelUnloadRequest& request)
{
    GANTRY_CHECK(checkRepository(request.repository_name()));
    for (const auto& [name, value] : request.parameters())
        if (name != "unload_dependents" || !value.has_bool_param())
            return bad(fmt::format("unrecognized unload parameter '{}': only unload_dependents may be given, true or false", name));
    return m_server.unloadModel(request.model_name());
}

Result<inference::TraceSettingResponse> ProtocolCalls::traceSetting(const inference::TraceSettingRequest& request)
{
    if (!request.model_name().empty() && !m_server.find(request.model_name(), {}))
        return bad("Request for unknown model : " + request.model_name());
    SettingValues values;
    for (const auto& [name, value] : request.settings())
        values[name].assign(value.value().begin(), value.value().end());
    GANTRY_CHECK(m_tracer.change(request.model_name(), values));
    inference::TraceSettingResponse response;
    for (const auto& [name, value] : m_tracer.settings(request.model_name()))
        (*response.mutable_settings())[name].mutable_value()->Add(value.begin(), value.end());
    return response;
}

Result<inference::LogSettingsResponse> ProtocolCalls::logSettings(const inference::LogSettingsRequest& request)
{
    if (!m_log)
        return Error{ErrorCode::Unsupported, "log settings are not supported", {}};
    LogSettings::Values values;
    for (const auto& [name, value] : request.settings()) {
        if (value.has_bool_param())
            values[name] = value.bool_param();
        else if (value.has_uint32_param())
            values[name] = value.uint32_param();
        else
            values[name] = value.string_param();
    }
    GANTRY_CHECK(m_log->change(values));
    inference::LogSettingsResponse response;
    for (const auto& [name, value] : m_log->values()) {
        auto& setting = (*response.mutable_settings())[name];
        if (const bool* flag = std::get_if<bool>(&value))
            setting.set_bool_param(*flag);
        else if (const std::uint32_t* number = std::get_if<std::uint32_t>(&value))
            setting.set_uint32_param(*number);
        else
            setting.set_string_param(std::get<std::string>(value));
    }
    return response;
}

void InferCall::cancel() const
{
    cancelled->store(true, std::memory_order_relaxed);
    model->dropCancelled();
}

void recordEnd(ProtocolCalls& calls, const InferJob& finished, const Result<void>& result, RequestTrace* trace)
{
    if (result && finished.model)
        calls.metrics().add(*finished.model, finished.times, finished.cacheHit);
    if (trace) {
        trace->stampPhases(finished.times);
        trace->stamp("INFER_RESPONSE_COMPLETE");
    }
}

Result<InferCall> prepareCall(ProtocolCalls& calls, const RequestHead& head, const ReadRequest& read)
{
    const std::int64_t began = nowNs();
    InferCall call;
    GANTRY_TRY(call.model, calls.findModel(head.model, head.version));
    call.request.id = head.id;
    auto filled = fillCall(call, calls, read);
    if (filled)
        return call;
    InferJob refused;
    refused.clientId = call.request.id;
    call.model->refuse(std::move(refused), began, filled.error());
    return std::move(filled).error();
}

} // namespace gantry::inference_server
