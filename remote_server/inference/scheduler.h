#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/ground_truth.h"
#include "remote_server/inference/infer_job.h"
#include "remote_server/inference/inflight_batcher.h"
#include "remote_server/inference/iteration_log.h"
#include "remote_server/inference/iteration_profiler.h"
#include "remote_server/inference/ordered_answers.h"
#include "remote_server/inference/rate_limiter.h"
#include "remote_server/inference/request_queue.h"
#include "remote_server/inference/response_cache.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::inference_server {

/// What all models of a server share. What is null is switched off.
struct ServingParts
{
    RequestRanges ranges;
    std::unique_ptr<ResponseCache> cache;
    std::unique_ptr<RateLimiter> rateLimiter;
    std::unique_ptr<GroundTruthLog> groundTruth;
    std::unique_ptr<IterationLog> iterationLog;
    std::unique_ptr<IterationProfiler> iterationProfiler;
    std::atomic<int> nextRank{0};                    ///< of instances that batch in flight
    std::function<void(const InferJob&)> onFinished; ///< told of every request that ends; any thread
};

/// One version of a model that serves: its queue and its instances, a thread each, which take their batches from it (request_queue.h), or
/// let requests join those that they are at (inflight_batcher.h).
class ModelServer
{
public:
    /// Starts the instances and warms them up; with the parameter `cold_start` set to true, the first batch of each finds it cold.
    /// Errors: Unsupported, BadInput, and what the backend says.
    [[nodiscard]] static Result<std::shared_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category,
                                                                    const BackendOptions& options, std::shared_ptr<ServingParts> parts);
    /// The same with a backend of the caller's.
    [[nodiscard]] static Result<std::shared_ptr<ModelServer>> start(ModelDescription description, std::uint32_t category,
                                                                    std::unique_ptr<BackendFactory> factory,
                                                                    std::shared_ptr<ServingParts> parts);
    ~ModelServer(); ///< drains

    /// Whether the model takes the values of a request. Errors: BadInput, Unsupported. Any thread.
    [[nodiscard]] Result<void> check(const InferJob& job) const;

    /// Takes a checked request. What the response cache knows, a full queue and a model that ends are answered at once; the latter two
    /// with Unreachable (UNAVAILABLE on the wire).
    void enqueue(std::unique_ptr<InferJob> job);

    /// A request that came for this model and cannot be one of its: it counts as a failure, with reason OTHER, and has its line of the
    /// ground truth. `startNs`: when it came, CLOCK_MONOTONIC. `done` is not called.
    void refuse(InferJob job, std::int64_t startNs, const Error& error);

    /// Answers the queued requests that are cancelled, on this thread: Cancelled. To be called after a request's flag was set.
    void dropCancelled();

    /// From now on no request waits for others to execute with.
    void stopWaiting();

    /// Answers what is queued and ends the instances; from then on every request is refused. Once this has returned the model has no
    /// thread, so that anybody may hold its last reference. Not on an instance's thread.
    void drain();

    [[nodiscard]] const ModelDescription& description() const { return m_description; }
    [[nodiscard]] const ModelStatistics& statistics() const { return m_statistics; }
    /// That its start took, with the warm-up.
    [[nodiscard]] std::chrono::nanoseconds loadDuration() const { return m_loadDuration; }
    [[nodiscard]] std::string platform() const { return m_factory->platform(); }
    /// Page-locked host memory of all instances.
    [[nodiscard]] std::uint64_t pinnedBytes() const { return m_pinnedBytes; }

private:
    using Job = std::unique_ptr<InferJob>;

    /// A thread that executes, with the backend that is its own.
    struct Instance
    {
        std::string name;
        InstancePlace place;
        std::unique_ptr<Backend> backend;           ///< null until the first batch of a cold start
        std::unique_ptr<RateLimiter::Member> turns; ///< null without a rate limiter
    };

    struct Joined
    {
        Job job;
        std::vector<std::int32_t> ids; ///< that were made for it, where it wants all at once
    };
    /// What an instance that batches in flight is at. Its thread's.
    struct Inflight
    {
        InflightBatcher& batcher;
        const int rank;
        std::int64_t iteration = 0;                    ///< the next one
        int newRequests = 0;                           ///< that joined since the last one
        std::map<std::uint64_t, Joined> requests = {}; ///< that are in the batcher
    };

    ModelServer(ModelDescription description, std::uint32_t category, std::unique_ptr<BackendFactory> factory,
                std::shared_ptr<ServingParts> parts);
    [[nodiscard]] Result<void> addInstances();
    [[nodiscard]] Result<void> warmUpInstances();
    [[nodiscard]] Result<void> createBackend(Instance& instance);
    void serve(Instance& instance);
    [[nodiscard]] std::vector<Job> nextBatch();
    void run(Instance& instance, std::vector<Job> batch);
    [[nodiscard]] Result<void> execute(Instance& instance, const std::vector<Job>& batch, RequestTimes& times);
    void serveInflight(Instance& instance, InflightBatcher& batcher);
    [[nodiscard]] bool letJoin(Inflight& inflight);
    void dropCancelled(Inflight& inflight);
    void iterate(Instance& instance, Inflight& inflight);
    [[nodiscard]] Result<void> computeIteration(const Instance& instance, Inflight& inflight, RequestTimes& times, std::vector<Job>& done);
    [[nodiscard]] IterationRecord beginIteration(const Instance& instance, Inflight& inflight, std::uint64_t batchId, std::int64_t start);
    void respond(InferJob& job, std::vector<Tensor> outputs, bool isFinal);
    void respondTokens(Inflight& inflight, std::vector<Job>& done);
    void finishJoined(Job job, const RequestTimes& last);
    [[nodiscard]] std::vector<BatchItem> itemsOf(const std::vector<Job>& batch, std::int64_t computeStart);
    [[nodiscard]] bool answerFromCache(Job& job);
    void keepInCache(InferJob& job);
    void refuseAll(std::vector<Job> jobs, const Error& error, FailureReason reason);
    void finish(Job job, const Result<void>& result, FailureReason reason = FailureReason::Other);
    void answer(InferJob& job, const Result<void>& result);

    const ModelDescription m_description;
    const std::uint32_t m_category;
    std::chrono::nanoseconds m_loadDuration{0}; ///< not changed once it serves
    std::atomic<std::uint64_t> m_pinnedBytes{0};
    const std::uint64_t m_load; ///< number of this loading of the model, unique in the process
    const std::shared_ptr<ServingParts> m_parts;
    RequestRanges& m_ranges;
    ResponseCache* const m_cache; ///< null: its answers are not kept
    ModelStatistics m_statistics;
    const std::unique_ptr<BackendFactory> m_factory;
    std::vector<std::unique_ptr<Instance>> m_instances;
    const std::unique_ptr<OrderedAnswers> m_order; ///< null: in the order in which they are ready

    std::mutex m_mutex; ///< the next three
    std::condition_variable m_changed;
    RequestQueue m_queue;
    bool m_stopping = false;
    std::once_flag m_drained;
    std::vector<std::jthread> m_threads; ///< last: they use the others
};

} // namespace gantry::inference_server
