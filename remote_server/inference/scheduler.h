#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/infer_job.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::inference_server {

/// What all models of a server share.
struct ServingParts
{
    RequestRanges ranges;
    std::function<void(const InferJob&)> onFinished; ///< told of every request that ends; any thread
};

/// One model that serves: its queue, its instances (a thread each), and the dynamic batcher between them, with Triton's
/// semantics: a batch is sent when it is full, reaches a preferred size, or its oldest request has waited max_queue_delay.
class ModelServer
{
public:
    [[nodiscard]] static Result<std::shared_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category,
                                                                    const BackendOptions& options, std::shared_ptr<ServingParts> parts);
    /// The same with a backend of the caller's.
    [[nodiscard]] static Result<std::shared_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category,
                                                                    std::unique_ptr<BackendFactory> factory,
                                                                    std::shared_ptr<ServingParts> parts);
    ~ModelServer(); ///< drains

    /// Whether the model takes the values of a request. Errors: BadInput, Unsupported. Any thread.
    [[nodiscard]] Result<void> check(const InferJob& job) const;

    /// Takes a checked request. A full queue and a model that ends are answered at once: Unreachable (UNAVAILABLE on the wire).
    void enqueue(std::unique_ptr<InferJob> job);

    /// Answers the queued requests that are cancelled, on this thread: Cancelled. To be called after a request's flag was set.
    void dropCancelled();

    /// Answers what is queued and ends the instances; from then on every request is refused. Once this has returned the model has no
    /// thread, so that anybody may hold its last reference. Not on an instance's thread.
    void drain();

    [[nodiscard]] const ModelDescription& description() const { return m_description; }
    [[nodiscard]] const ModelStatistics& statistics() const { return m_statistics; }
    [[nodiscard]] std::string platform() const { return m_factory->platform(); }

private:
    ModelServer(ModelDescription description, std::uint32_t category, std::unique_ptr<BackendFactory> factory,
                std::shared_ptr<ServingParts> parts);
    void serve(Backend& backend, const std::string& name);
    [[nodiscard]] std::vector<std::unique_ptr<InferJob>> nextBatch();
    [[nodiscard]] Result<void> execute(Backend& backend, const std::vector<std::unique_ptr<InferJob>>& batch, RequestTimes& times);
    void finish(std::unique_ptr<InferJob> job, const Result<void>& result, FailureReason reason);

    ModelDescription m_description;
    std::uint32_t m_category;
    std::shared_ptr<ServingParts> m_parts;
    RequestRanges& m_ranges;
    ModelStatistics m_statistics;
    std::unique_ptr<BackendFactory> m_factory;
    std::vector<std::unique_ptr<Backend>> m_backends;

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<std::unique_ptr<InferJob>> m_queue;
    bool m_stopping = false;
    std::once_flag m_drained;
    std::vector<std::jthread> m_instances;
};

} // namespace gantry::inference_server
