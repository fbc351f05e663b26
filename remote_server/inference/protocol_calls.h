#pragma once

#include "remote_server/inference/infer_request.h"
#include "remote_server/inference/log_settings.h"
#include "remote_server/inference/metrics_text.h"
#include "remote_server/inference/server.h"
#include "remote_server/inference/shared_memory.h"
#include "remote_server/inference/tracer.h"

#include "inference/grpc_service.pb.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace gantry::inference_server {

struct ProtocolOptions
{
    TraceConfig trace;
    MetricsOptions metrics;
    LogSettings* log = nullptr; ///< null: log settings are Unsupported. It outlives the ProtocolCalls
};

/// A stream of requests, which a client may leave open as long as it likes.
class OpenStream
{
public:
    virtual ~OpenStream() = default;
    /// Ends once what it has read is answered. Any thread.
    virtual void endWithServer() = 0;
};

/// What gRPC and HTTP answer alike: every call of the protocol but the encoding of its messages. Any thread.
class ProtocolCalls
{
public:
    /// `server` outlives this.
    explicit ProtocolCalls(InferenceServer& server, const ProtocolOptions& options = {});

    /// After this the server is live but not ready, and streams end.
    void beginShutdown();
    /// A stream that is to be told when the server ends, until it is forgotten.
    void remember(std::shared_ptr<OpenStream> stream);
    void forget(const std::shared_ptr<OpenStream>& stream);
    /// Not once it ends, nor while a model is missing (InferenceServer::isReady()).
    [[nodiscard]] bool isReady() const { return m_ready && m_server.isReady(); }
    /// Errors: BadInput when the version is no number.
    [[nodiscard]] Result<bool> isModelReady(const std::string& model, const std::string& version) const;

    [[nodiscard]] static inference::ServerMetadataResponse serverMetadata();
    /// Errors: NotFound, BadInput (the version).
    [[nodiscard]] Result<inference::ModelMetadataResponse> modelMetadata(const std::string& model, const std::string& version) const;
    [[nodiscard]] Result<inference::ModelConfigResponse> modelConfig(const std::string& model, const std::string& version) const;
    /// Of all models for an empty name. Errors: BadInput, also for an unknown model, as in Triton.
    [[nodiscard]] Result<inference::ModelStatisticsResponse> statistics(const std::string& model, const std::string& version) const;

    /// Errors: Unsupported (a repository is named), and what the server says.
    [[nodiscard]] Result<inference::RepositoryIndexResponse> index(const inference::RepositoryIndexRequest& request) const;
    [[nodiscard]] Result<void> load(const inference::RepositoryModelLoadRequest& request);
    [[nodiscard]] Result<void> unload(const inference::RepositoryModelUnloadRequest& request);

    /// Errors: BadInput (no such model or value), Unsupported.
    [[nodiscard]] Result<inference::TraceSettingResponse> traceSetting(const inference::TraceSettingRequest& request);
    [[nodiscard]] Result<inference::LogSettingsResponse> logSettings(const inference::LogSettingsRequest& request);

    /// The text of /metrics.
    [[nodiscard]] std::string metricsText() const { return m_metrics.text(m_server, m_tracer.dropped()); }

    [[nodiscard]] SharedMemory& sharedMemory() { return m_sharedMemory; }
    [[nodiscard]] Tracer& tracer() { return m_tracer; }
    [[nodiscard]] Metrics& metrics() { return m_metrics; }
    [[nodiscard]] InferenceServer& server() { return m_server; }
    [[nodiscard]] const InferenceServer& server() const { return m_server; }

    /// The version that serves. Errors: NotFound, BadInput, with Triton's sentences.
    [[nodiscard]] Result<std::shared_ptr<ModelServer>> findModel(const std::string& model, const std::string& version) const;

private:
    InferenceServer& m_server;
    LogSettings* m_log;
    SharedMemory m_sharedMemory;
    Tracer m_tracer;
    Metrics m_metrics;
    std::atomic<bool> m_ready{true};
    std::mutex m_mutex; ///< the next
    std::set<std::shared_ptr<OpenStream>> m_streams;
};

/// A request on its way: what a front end keeps of it until the answer is sent.
struct InferCall
{
    InferRequest request; ///< its inputs have gone into the job
    std::shared_ptr<ModelServer> model;
    std::unique_ptr<InferJob> job;       ///< until it is enqueued
    std::shared_ptr<RequestTrace> trace; ///< null: not traced
    std::shared_ptr<std::atomic<bool>> cancelled;

    /// The client is gone: what is still queued is not executed.
    void cancel() const;
};

/// What a front end does in a job's `done` before it answers: tells the tracer and the metrics.
void recordEnd(ProtocolCalls& calls, const InferJob& finished, const Result<void>& result, RequestTrace* trace);

/// What a front end knows of a request before it has read the rest.
struct RequestHead
{
    std::string model, version, id; ///< the id may be empty, and be in the rest
};

/// Takes the rest of a request off the wire, for the model that it names. Errors: whatever is wrong with it.
using ReadRequest = std::function<Result<InferRequest>(const ModelDescription&)>;

/// Reads and checks a request and makes its job, without `done` and `respond`. One that fails for a model that serves is counted there.
/// Errors: those of findModel(), `read`, jobFromRequest() and of the backend; Internal for what any of them throws.
[[nodiscard]] Result<InferCall> prepareCall(ProtocolCalls& calls, const RequestHead& head, const ReadRequest& read);

} // namespace gantry::inference_server
