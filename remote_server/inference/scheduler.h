#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/model.h"
#include "remote_server/inference/statistics.h"

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

/// A request on its way through a model. `done` is called exactly once, on an instance's thread or the caller's, with the
/// outputs or the error.
struct InferJob
{
    std::uint64_t id = 0;
    std::string clientId;
    std::vector<Tensor> inputs, outputs;
    RequestTimes times;
    std::uint64_t requestRange = 0, queueRange = 0; ///< NVTX
    std::function<void(InferJob&, const Result<void>&)> done;
};

/// One model that serves: its queue, its instances (a thread each), and the dynamic batcher between them, with Triton's
/// semantics: a batch is sent when it is full, reaches a preferred size, or its oldest request has waited max_queue_delay.
class ModelServer
{
public:
    [[nodiscard]] static Result<std::unique_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category, const BackendOptions& options,
                                                                    RequestRanges& ranges);
    /// The same with a backend of the caller's.
    [[nodiscard]] static Result<std::unique_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category,
                                                                    std::unique_ptr<BackendFactory> factory, RequestRanges& ranges);
    ~ModelServer(); ///< serves what is queued, then ends the instances

    /// Whether the backend takes the values of a request. Any thread.
    [[nodiscard]] Result<void> check(const InferJob& job) const { return m_factory->check(job.inputs); }

    /// Takes a checked request. A full queue and a model that ends are answered at once: Unreachable (UNAVAILABLE on the wire).
    void enqueue(std::unique_ptr<InferJob> job);

    [[nodiscard]] const ModelDescription& description() const { return m_description; }
    [[nodiscard]] const ModelStatistics& statistics() const { return m_statistics; }
    [[nodiscard]] std::string platform() const { return m_factory->platform(); }

private:
    ModelServer(ModelDescription description, std::uint32_t category, std::unique_ptr<BackendFactory> factory, RequestRanges& ranges);
    void serve(Backend& backend, const std::string& name);
    [[nodiscard]] std::vector<std::unique_ptr<InferJob>> nextBatch();
    [[nodiscard]] Result<void> execute(Backend& backend, const std::vector<std::unique_ptr<InferJob>>& batch, RequestTimes& times);
    void finish(std::unique_ptr<InferJob> job, const Result<void>& result);

    ModelDescription m_description;
    std::uint32_t m_category;
    RequestRanges& m_ranges;
    ModelStatistics m_statistics;
    std::unique_ptr<BackendFactory> m_factory;
    std::vector<std::unique_ptr<Backend>> m_backends;

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<std::unique_ptr<InferJob>> m_queue;
    bool m_stopping = false;
    std::vector<std::jthread> m_instances;
};

} // namespace gantry::inference_server
