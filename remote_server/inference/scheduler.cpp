#include "remote_server/inference/scheduler.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <numeric>
#include <pthread.h>
#include <utility>

namespace gantry::inference_server {
namespace {

std::atomic<std::uint64_t> g_nextRequest{1}; // unique in the process, as the NVTX convention asks
std::atomic<std::uint64_t> g_nextBatch{1};

std::int64_t nowNs()
{
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

/// An NVTX range that ends with its scope, however that is left.
class PushedRange
{
public:
    PushedRange(RequestRanges& ranges, RequestRanges::Step step, std::uint64_t batch, std::uint32_t category) : m_ranges(ranges)
    {
        m_ranges.push(step, batch, category);
    }
    PushedRange(const PushedRange&) = delete;
    PushedRange& operator=(const PushedRange&) = delete;
    ~PushedRange() { m_ranges.pop(); }

private:
    RequestRanges& m_ranges;
};

/// Rows of jobs together.
template <typename Jobs>
std::uint64_t rowsOf(const Jobs& jobs)
{
    return std::accumulate(jobs.begin(), jobs.end(), std::uint64_t{0},
                           [](std::uint64_t rows, const auto& job) { return rows + job->rows; });
}

/// What a backend throws fails its batch; the instance goes on. bad_alloc is the one to expect: batches differ in size.
template <typename Run>
Result<void> withoutExceptions(const Run& run)
{
    try {
        return run();
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::Internal, "the model ran out of memory with this batch", {}};
    } catch (const std::exception& error) {
        return Error{ErrorCode::Internal, std::string("the model failed with this batch: ") + error.what(), {}};
    } catch (...) {
        return Error{ErrorCode::Internal, "the model failed with this batch", {}};
    }
}

} // namespace

ModelServer::ModelServer(ModelDescription description, std::uint32_t category, std::unique_ptr<BackendFactory> factory,
                         std::shared_ptr<ServingParts> parts)
    : m_description(std::move(description)),
      m_category(category),
      m_parts(std::move(parts)),
      m_ranges(m_parts->ranges),
      m_factory(std::move(factory))
{
}

Result<std::shared_ptr<ModelServer>> ModelServer::start(ModelDescription description, std::uint32_t category, const BackendOptions& options,
                                                        std::shared_ptr<ServingParts> parts)
{
    GANTRY_TRY(auto factory, createBackendFactory(description.config, options));
    return start(std::move(description), category, std::move(factory), std::move(parts));
}

Result<std::shared_ptr<ModelServer>> ModelServer::start(ModelDescription description, std::uint32_t category,
                                                        std::unique_ptr<BackendFactory> factory, std::shared_ptr<ServingParts> parts)
{
    std::shared_ptr<ModelServer> server(new ModelServer(std::move(description), category, std::move(factory), std::move(parts)));
    RequestRanges& ranges = server->m_ranges;
    const inference::ModelConfig& config = server->m_description.config;
    ranges.nameModel(category, server->m_description.name + ":" + server->m_description.version);
    const int count = config.instance_group().empty() ? 1 : std::max(1, config.instance_group(0).count());
    for (int i = 0; i < count; ++i) {
        GANTRY_TRY(auto backend, server->m_factory->createInstance({.index = i}, ranges));
        server->m_backends.push_back(std::move(backend));
    }
    for (int i = 0; i < count; ++i)
        server->m_instances.emplace_back([model = server.get(), i, name = server->m_description.name + "_0_" + std::to_string(i)] {
            model->serve(*model->m_backends[static_cast<std::size_t>(i)], name);
        });
    return server;
}

ModelServer::~ModelServer()
{
    drain();
}

void ModelServer::drain()
{
    std::call_once(m_drained, [this] {
        {
            const std::lock_guard lock(m_mutex);
            m_stopping = true;
        }
        m_changed.notify_all();
        m_instances.clear();
    });
}

Result<void> ModelServer::check(const InferJob& job) const
{
    if (!job.sequence.id.empty())
        return Error{ErrorCode::Unsupported,
                     "model '" + m_description.name + "' does not batch sequences: send the request without sequence_id",
                     {}};
    return m_factory->check(job.inputs);
}

void ModelServer::dropCancelled()
{
    std::vector<std::unique_ptr<InferJob>> dropped;
    {
        const std::lock_guard lock(m_mutex);
        const auto first = std::stable_partition(m_queue.begin(), m_queue.end(), [](const auto& job) { return !job->isCancelled(); });
        std::move(first, m_queue.end(), std::back_inserter(dropped));
        m_queue.erase(first, m_queue.end());
        m_statistics.dequeued(dropped.size());
    }
    for (auto& job : dropped)
        finish(std::move(job), Error{ErrorCode::Cancelled, "the request was cancelled by its client", {}}, FailureReason::Cancelled);
}

void ModelServer::enqueue(std::unique_ptr<InferJob> job)
{
    job->id = g_nextRequest.fetch_add(1, std::memory_order_relaxed);
    job->model = &m_description;
    job->times.start = nowNs();
    job->requestRange = m_ranges.startRequest(job->id, m_category);
    if (!job->clientId.empty())
        m_ranges.markClientId(job->id, job->clientId);
    const auto& policy = m_description.config.dynamic_batching().default_queue_policy();
    bool stopping = false;
    {
        const std::lock_guard lock(m_mutex);
        stopping = m_stopping;
        if (!stopping && (policy.max_queue_size() == 0 || m_queue.size() < policy.max_queue_size())) {
            job->times.queueStart = nowNs();
            job->queueRange = m_ranges.startQueue(job->id, m_category);
            m_statistics.enqueued();
            m_queue.push_back(std::move(job));
        }
    }
    if (!job) {
        m_changed.notify_one();
        return;
    }
    finish(std::move(job), Error{ErrorCode::Unreachable, stopping ? "the server is shutting down" : "Exceeds maximum queue size", {}},
           stopping ? FailureReason::Other : FailureReason::Rejected);
}

std::vector<std::unique_ptr<InferJob>> ModelServer::nextBatch()
{
    const auto& config = m_description.config;
    const auto most = static_cast<std::size_t>(config.has_dynamic_batching() ? std::max(1, config.max_batch_size()) : 1);
    std::size_t preferred = most;
    for (const int size : config.dynamic_batching().preferred_batch_size())
        preferred = std::min(preferred, static_cast<std::size_t>(std::max(1, size)));
    const auto delay = static_cast<std::int64_t>(config.dynamic_batching().max_queue_delay_microseconds()) * 1000;

    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_stopping || !m_queue.empty(); });
        if (m_queue.empty())
            return {};
        const std::int64_t deadline = m_queue.front()->times.queueStart + delay;
        if (rowsOf(m_queue) >= preferred || m_stopping || nowNs() >= deadline)
            break;
        m_changed.wait_for(lock, std::chrono::nanoseconds(deadline - nowNs()));
    }
    // Only requests of the same shape execute together (Triton: no ragged batches unless the model allows them).
    std::vector<std::unique_ptr<InferJob>> batch;
    batch.reserve(std::min(most, m_queue.size())); // nothing below throws: a request that is taken is answered
    batch.push_back(std::move(m_queue.front()));
    m_queue.pop_front();
    const auto sameShape = [&](const std::unique_ptr<InferJob>& other) {
        return std::equal(batch.front()->inputs.begin(), batch.front()->inputs.end(), other->inputs.begin(), other->inputs.end(),
                          [batches = config.max_batch_size() > 0](const Tensor& a, const Tensor& b) {
                              return a.shape.size() == b.shape.size() &&
                                     std::equal(a.shape.begin() + batches, a.shape.end(), b.shape.begin() + batches);
                          });
    };
    std::size_t rows = batch.front()->rows;
    for (auto job = m_queue.begin(); job != m_queue.end() && rows < most;)
        if (rows + (*job)->rows <= most && sameShape(*job)) {
            rows += (*job)->rows;
            batch.push_back(std::move(*job));
            job = m_queue.erase(job);
        } else {
            ++job;
        }
    m_statistics.dequeued(batch.size());
    return batch;
}

void ModelServer::serve(Backend& backend, const std::string& name)
{
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str()); // 15: the kernel's bound
    m_ranges.nameThisThread(name);
    for (auto batch = nextBatch(); !batch.empty(); batch = nextBatch()) {
        RequestTimes times;
        const Result<void> result = withoutExceptions([&] { return execute(backend, batch, times); });
        if (result)
            m_statistics.executed(rowsOf(batch), times);
        for (auto& job : batch) {
            job->times.computeStart = times.computeStart;
            job->times.inputEnd = times.inputEnd;
            job->times.outputStart = times.outputStart;
            job->times.computeEnd = times.computeEnd;
            job->instance = name;
            finish(std::move(job), result, FailureReason::Backend);
        }
    }
}

Result<void> ModelServer::execute(Backend& backend, const std::vector<std::unique_ptr<InferJob>>& batch, RequestTimes& times)
{
    using Step = RequestRanges::Step;
    const std::uint64_t batchId = g_nextBatch.fetch_add(1, std::memory_order_relaxed);
    times.computeStart = times.inputEnd = times.outputStart = times.computeEnd = nowNs();
    const PushedRange execution(m_ranges, Step::Execute, batchId, m_category);
    for (const auto& job : batch) {
        job->batchId = batchId;
        m_ranges.end(std::exchange(job->queueRange, 0));
        m_ranges.markMember(job->id);
    }
    std::vector<BatchItem> items;
    for (const auto& job : batch)
        items.push_back({&job->inputs, &job->outputs});
    const auto step = [&](Step which, Result<void> (Backend::*run)(const std::vector<BatchItem>&), std::int64_t& end) {
        const PushedRange range(m_ranges, which, batchId, m_category);
        Result<void> result = (backend.*run)(items);
        end = nowNs();
        return result;
    };
    Result<void> result = step(Step::ComputeInput, &Backend::computeInput, times.inputEnd);
    times.outputStart = times.computeEnd = times.inputEnd;
    if (result)
        result = step(Step::ComputeInfer, &Backend::computeInfer, times.outputStart);
    times.computeEnd = times.outputStart;
    if (result)
        result = step(Step::ComputeOutput, &Backend::computeOutput, times.computeEnd);
    return result;
}

void ModelServer::finish(std::unique_ptr<InferJob> job, const Result<void>& result, FailureReason reason)
{
    if (job->queueRange != 0) // it was queued and not executed
        m_ranges.end(std::exchange(job->queueRange, 0));
    if (!result)
        m_ranges.markFailed(job->id);
    job->times.end = nowNs();
    m_ranges.end(job->requestRange);
    if (result) {
        m_statistics.succeeded(job->times, job->rows);
    } else {
        job->failure = reason;
        m_statistics.failed(job->times.end - job->times.start, reason);
    }
    if (m_parts->onFinished)
        m_parts->onFinished(*job);
    job->done(*job, result);
}

} // namespace gantry::inference_server
