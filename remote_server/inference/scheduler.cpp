#include "remote_server/inference/scheduler.h"

#include "remote_server/inference/backends/decoder.h"
#include "remote_server/inference/warm_up.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <iterator>
#include <numeric>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace gantry::inference_server {
namespace {

std::atomic<std::uint64_t> g_nextRequest{1}; // unique in the process, as the NVTX convention asks
std::atomic<std::uint64_t> g_nextBatch{1};
std::atomic<std::uint64_t> g_nextLoad{1};

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
    PushedRange(RequestRanges& ranges, int layer) : m_ranges(ranges) { m_ranges.pushLayer(layer); }
    PushedRange(const PushedRange&) = delete;
    PushedRange& operator=(const PushedRange&) = delete;
    ~PushedRange() { m_ranges.pop(); }

private:
    RequestRanges& m_ranges;
};

/// Rows of jobs together.
std::uint64_t rowsOf(const std::vector<std::unique_ptr<InferJob>>& jobs)
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

std::int64_t threadNumber()
{
    static thread_local const std::int64_t thread = syscall(SYS_gettid);
    return thread;
}

// Triton's sentences, but for the last.
const Error kQueueFull{ErrorCode::Unreachable, "Exceeds maximum queue size", {}};
const Error kTimeout{ErrorCode::Unreachable, "Request timeout expired", {}};
const Error kCancelled{ErrorCode::Cancelled, "the request was cancelled by its client", {}};

/// The configuration that is served says where it is served: instances that are to be on a GPU and cannot be are on the CPU.
void serveOnCpu(ModelDescription& description, const BackendFactory& factory)
{
    if (!factory.gpus().empty())
        return;
    for (auto& group : *description.config.mutable_instance_group())
        if (group.kind() == inference::ModelInstanceGroup::KIND_GPU) {
            spdlog::warn(
                "model {}: instance group {} is of KIND_GPU and runs on the CPU, as the server has no GPU for it (--cpu-only, or its "
                "backend {} has none); its configuration says KIND_CPU from now on",
                description.name, group.name(), description.config.backend());
            group.set_kind(inference::ModelInstanceGroup::KIND_CPU);
            group.clear_gpus();
        }
}

bool startsCold(const inference::ModelConfig& config)
{
    const auto parameter = config.parameters().find("cold_start");
    return parameter != config.parameters().end() && parameter->second.string_value() == "true";
}

} // namespace

ModelServer::ModelServer(ModelDescription description, std::uint32_t category, std::unique_ptr<BackendFactory> factory,
                         std::shared_ptr<ServingParts> parts)
    : m_description(std::move(description)),
      m_category(category),
      m_load(g_nextLoad.fetch_add(1)),
      m_parts(std::move(parts)),
      m_ranges(m_parts->ranges),
      m_cache(m_description.config.response_cache().enable() ? m_parts->cache.get() : nullptr),
      m_factory(std::move(factory)),
      m_order(m_description.config.dynamic_batching().preserve_ordering() ? std::make_unique<OrderedAnswers>() : nullptr),
      m_queue(m_description.config)
{
}

Result<std::shared_ptr<ModelServer>> ModelServer::start(ModelDescription description, std::uint32_t category, const BackendOptions& options,
                                                        std::shared_ptr<ServingParts> parts)
{
    const auto began = std::chrono::steady_clock::now();
    GANTRY_TRY(auto factory, createBackendFactory(description.config, options));
    GANTRY_TRY(auto server, start(std::move(description), category, std::move(factory), std::move(parts)));
    server->m_loadDuration = std::chrono::steady_clock::now() - began;
    return server;
}

Result<std::shared_ptr<ModelServer>> ModelServer::start(ModelDescription description, std::uint32_t category,
                                                        std::unique_ptr<BackendFactory> factory, std::shared_ptr<ServingParts> parts)
{
    serveOnCpu(description, *factory);
    if (description.config.response_cache().enable() && !parts->cache)
        spdlog::warn("model {} has a response_cache, and the server keeps no answers: start it with --cache-config local,size=BYTES",
                     description.name);
    std::shared_ptr<ModelServer> server(new ModelServer(std::move(description), category, std::move(factory), std::move(parts)));
    server->m_ranges.nameModel(category, server->m_description.name + ":" + server->m_description.version);
    GANTRY_CHECK(server->addInstances());
    if (!startsCold(server->m_description.config))
        GANTRY_CHECK(withoutExceptions([&] { return server->warmUpInstances(); }));
    for (const auto& instance : server->m_instances)
        server->m_threads.emplace_back([model = server.get(), raw = instance.get()] { model->serve(*raw); });
    return server;
}

Result<void> ModelServer::addInstances()
{
    for (const auto& group : m_description.config.instance_group()) {
        std::vector<std::optional<int>> gpus(group.gpus().begin(), group.gpus().end());
        if (gpus.empty()) {
            const std::vector<int> used = m_factory->gpus();
            gpus.assign(used.begin(), used.end());
        }
        if (gpus.empty())
            gpus.emplace_back(std::nullopt);
        for (int i = 0; i < group.count() * static_cast<int>(gpus.size()); ++i) {
            auto instance = std::make_unique<Instance>();
            instance->name = group.name() + "_" + std::to_string(i);
            instance->place = {instance->name, static_cast<int>(m_instances.size()), gpus[static_cast<std::size_t>(i / group.count())]};
            if (m_parts->rateLimiter)
                instance->turns =
                    std::make_unique<RateLimiter::Member>(*m_parts->rateLimiter, group.rate_limiter(), instance->place.gpu.value_or(0));
            m_instances.push_back(std::move(instance));
        }
    }
    return {};
}

Result<void> ModelServer::warmUpInstances()
{
    GANTRY_TRY(const auto samples, warmUpSamples(m_description));
    const auto began = std::chrono::steady_clock::now();
    for (const auto& instance : m_instances) {
        GANTRY_CHECK(createBackend(*instance));
        GANTRY_CHECK(warmUp(samples, *m_factory, *instance->backend));
    }
    if (!samples.empty())
        spdlog::info("model {} version {} is warm: {} samples on {} instances took {:.1f} ms", m_description.name, m_description.version,
                     samples.size(), m_instances.size(),
                     std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    return {};
}

Result<void> ModelServer::createBackend(Instance& instance)
{
    GANTRY_TRY(instance.backend, m_factory->createInstance(instance.place, m_ranges));
    m_pinnedBytes += instance.backend->pinnedBytes();
    return {};
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
            m_queue.stopWaiting();
        }
        m_changed.notify_all();
        m_threads.clear();
    });
}

void ModelServer::stopWaiting()
{
    {
        const std::lock_guard lock(m_mutex);
        m_queue.stopWaiting();
    }
    m_changed.notify_all();
}

Result<void> ModelServer::check(const InferJob& job) const
{
    if (!job.sequence.id.empty())
        return Error{ErrorCode::Unsupported,
                     "model '" + m_description.name + "' does not batch sequences: send the request without sequence_id",
                     {}};
    return m_factory->check(job.inputs);
}

void ModelServer::enqueue(Job job)
{
    job->id = g_nextRequest.fetch_add(1, std::memory_order_relaxed);
    job->model = &m_description;
    job->times.start = nowNs();
    job->requestRange = m_ranges.startRequest(job->id, m_category);
    if (!job->clientId.empty())
        m_ranges.markClientId(job->id, job->clientId);
    if (m_cache && m_order)
        job->answerNumber = m_order->takeNumber(); // here: an answer from the cache must not overtake those before it
    if (m_cache && answerFromCache(job))
        return;
    bool stopping = false;
    std::vector<Job> expired;
    {
        const std::lock_guard lock(m_mutex);
        stopping = m_stopping;
        if (!stopping) {
            InferJob& queued = *job;
            queued.times.queueStart = nowNs();
            expired = m_queue.takeExpired(queued.times.queueStart); // they make room
            m_statistics.dequeued(expired.size());
            job = m_queue.push(std::move(job));
            if (!job) {
                queued.queueRange = m_ranges.startQueue(queued.id, m_category);
                m_statistics.enqueued();
            }
        }
    }
    if (!job)
        m_changed.notify_one();
    refuseAll(std::move(expired), kTimeout, FailureReason::Rejected);
    if (!job)
        return;
    job->times.queueStart = 0;
    finish(std::move(job), stopping ? Error{ErrorCode::Unreachable, "the server is shutting down", {}} : kQueueFull,
           stopping ? FailureReason::Other : FailureReason::Rejected);
}

void ModelServer::refuse(InferJob job, std::int64_t startNs, const Error& error)
{
    job.id = g_nextRequest.fetch_add(1, std::memory_order_relaxed);
    job.model = &m_description;
    job.times.start = startNs;
    job.requestRange = m_ranges.startRequest(job.id, m_category);
    if (!job.clientId.empty())
        m_ranges.markClientId(job.id, job.clientId);
    job.done = [](InferJob&, const Result<void>&) {};
    answer(job, error);
}

/// True: it is answered.
bool ModelServer::answerFromCache(Job& job)
{
    job->times.lookupStart = nowNs();
    m_ranges.pushCacheLookup(job->id);
    job->cacheKey = cacheKeyOf(m_load, job->inputs);
    const ResponseCache::Outputs known = m_cache->lookup(job->cacheKey, job->inputs);
    if (known)
        job->outputs = *known;
    m_ranges.pop();
    job->times.lookupEnd = nowNs();
    if (!known)
        return false;
    job->times.queueStart = job->times.lookupStart; // it was not queued (Triton)
    job->cacheHit = true;
    finish(std::move(job), {});
    return true;
}

/// The last that anybody needs the inputs for.
void ModelServer::keepInCache(InferJob& job)
{
    job.times.insertStart = nowNs();
    m_cache->insert(job.cacheKey, std::move(job.inputs), job.outputs);
    job.times.insertEnd = nowNs();
}

void ModelServer::dropCancelled()
{
    std::vector<Job> dropped;
    {
        const std::lock_guard lock(m_mutex);
        dropped = m_queue.takeCancelled();
        m_statistics.dequeued(dropped.size());
    }
    refuseAll(std::move(dropped), kCancelled, FailureReason::Cancelled);
}

/// The next requests to execute together, once there are such; none when the model ends.
std::vector<ModelServer::Job> ModelServer::nextBatch()
{
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_stopping || !m_queue.empty(); });
        const std::int64_t now = nowNs();
        std::vector<Job> refused = m_queue.takeExpired(now);
        const Error* error = &kTimeout;
        std::vector<Job> batch;
        if (refused.empty()) {
            if (m_queue.empty())
                return {};
            const RequestQueue::Plan plan = m_queue.plan(now);
            if (plan.requests == 0) {
                m_changed.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(0, *plan.lookAgainAtNs - now)));
                continue;
            }
            batch = m_queue.take(plan.requests);
            const auto cancelled = std::stable_partition(batch.begin(), batch.end(), [](const Job& job) { return !job->isCancelled(); });
            refused.assign(std::make_move_iterator(cancelled), std::make_move_iterator(batch.end()));
            batch.erase(cancelled, batch.end());
            error = &kCancelled;
        }
        m_statistics.dequeued(batch.size() + refused.size());
        for (const Job& job : batch)
            if (m_order && job->answerNumber == 0)
                job->answerNumber = m_order->takeNumber();
        if (!m_queue.empty())
            m_changed.notify_one(); // another instance may be idle
        if (refused.empty())
            return batch;
        lock.unlock();
        refuseAll(std::move(refused), *error, error == &kCancelled ? FailureReason::Cancelled : FailureReason::Rejected);
        if (!batch.empty())
            return batch;
        lock.lock();
    }
}

void ModelServer::serve(Instance& instance)
{
    pthread_setname_np(pthread_self(), instance.name.substr(0, 15).c_str()); // 15: the kernel's bound
    m_ranges.nameThisThread(instance.name);
    if (InflightBatcher* batcher = instance.backend ? instance.backend->inflight() : nullptr)
        return serveInflight(instance, *batcher);
    for (auto batch = nextBatch(); !batch.empty(); batch = nextBatch()) {
        if (instance.turns)
            instance.turns->begin();
        run(instance, std::move(batch));
    }
}

void ModelServer::run(Instance& instance, std::vector<Job> batch)
{
    RequestTimes times;
    const Result<void> result = withoutExceptions([&] { return execute(instance, batch, times); });
    if (instance.turns)
        instance.turns->end();
    if (result)
        m_statistics.executed(rowsOf(batch), times);
    for (auto& job : batch) {
        job->times.computeStart = times.computeStart;
        job->times.inputEnd = times.inputEnd;
        job->times.outputStart = times.outputStart;
        job->times.computeEnd = times.computeEnd;
        job->instance = instance.name;
        job->threadId = threadNumber();
        if (instance.backend)
            job->streamId = instance.backend->streamId();
        if (job->isCutShort) {
            finish(std::move(job), kCancelled, FailureReason::Cancelled);
            continue;
        }
        if (result && m_cache)
            keepInCache(*job);
        finish(std::move(job), result, FailureReason::Backend);
    }
}

/// A response of a decoupled model. The last one waits for the end of the request: who has it finds the request in the statistics.
void ModelServer::respond(InferJob& job, std::vector<Tensor> outputs, bool isFinal)
{
    const std::int64_t made = nowNs();
    if (job.times.firstResponse == 0)
        job.times.firstResponse = made;
    if (isFinal) {
        job.lastResponse.emplace(InferJob::LastResponse{std::move(outputs), made});
        return;
    }
    const ResponseOutcome outcome = outputs.empty() ? ResponseOutcome::Empty : ResponseOutcome::Sent;
    if (job.respond)
        job.respond(job, std::move(outputs), false);
    const std::int64_t sent = nowNs();
    m_statistics.responded(job.responses++, job.responseBegan, made, sent, outcome);
    job.responseBegan = sent;
}

std::vector<BatchItem> ModelServer::itemsOf(const std::vector<Job>& batch, std::int64_t computeStart)
{
    const bool decoupled = m_description.config.model_transaction_policy().decoupled();
    std::vector<BatchItem> items;
    items.reserve(batch.size());
    for (const auto& job : batch) {
        BatchItem& item = items.emplace_back(BatchItem{&job->inputs, &job->outputs});
        job->responseBegan = computeStart;
        if (decoupled && job->respond)
            item.respond = [this, raw = job.get()](std::vector<Tensor> outputs, bool final) {
                respond(*raw, std::move(outputs), final);
                raw->isCutShort = !final && raw->isCancelled();
                return !raw->isCutShort;
            };
    }
    return items;
}

Result<void> ModelServer::execute(Instance& instance, const std::vector<Job>& batch, RequestTimes& times)
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
    const std::vector<BatchItem> items = itemsOf(batch, times.computeStart);
    const auto step = [&](Step which, const auto& run, std::int64_t& end) {
        const PushedRange range(m_ranges, which, batchId, m_category);
        Result<void> result = run();
        end = nowNs();
        return result;
    };
    const auto input = [&]() -> Result<void> {
        if (!instance.backend) {
            GANTRY_CHECK(createBackend(instance));
        }
        return instance.backend->computeInput(items);
    };
    Result<void> result = step(Step::ComputeInput, input, times.inputEnd);
    times.outputStart = times.computeEnd = times.inputEnd;
    if (result)
        result = step(
            Step::ComputeInfer, [&] { return instance.backend->computeInfer(items); }, times.outputStart);
    times.computeEnd = times.outputStart;
    if (result)
        result = step(
            Step::ComputeOutput, [&] { return instance.backend->computeOutput(items); }, times.computeEnd);
    for (const auto& job : batch)
        m_ranges.markMemberDone(job->id);
    m_ranges.markExecuteDone(batchId, m_category);
    return result;
}

void ModelServer::serveInflight(Instance& instance, InflightBatcher& batcher)
{
    Inflight inflight{batcher, m_parts->nextRank.fetch_add(1)};
    while (letJoin(inflight)) {
        dropCancelled(inflight);
        if (!batcher.empty())
            iterate(instance, inflight);
    }
}

/// Takes the requests from the queue that there is room for, and waits for one when there is nothing else to do. False: the model ends.
bool ModelServer::letJoin(Inflight& inflight)
{
    for (;;) {
        std::vector<Job> expired, cancelled;
        bool isEnd = false;
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, [&] { return m_stopping || !m_queue.empty() || !inflight.requests.empty(); });
            const std::size_t waiting = m_queue.size();
            expired = m_queue.takeExpired(nowNs());
            while (const InferJob* next = m_queue.next()) {
                Generation generation = generationOf(next->inputs);
                if (!next->isCancelled() && !inflight.batcher.hasRoomFor(generation))
                    break;
                Job job = std::move(m_queue.take(1).front());
                if (job->isCancelled()) {
                    cancelled.push_back(std::move(job));
                    continue;
                }
                inflight.batcher.add(job->id, std::move(generation));
                ++inflight.newRequests;
                inflight.requests[job->id].job = std::move(job);
            }
            m_statistics.dequeued(waiting - m_queue.size());
            isEnd = m_stopping && m_queue.empty();
            if (!m_queue.empty())
                m_changed.notify_one(); // another instance may have room
        }
        refuseAll(std::move(expired), kTimeout, FailureReason::Rejected);
        refuseAll(std::move(cancelled), kCancelled, FailureReason::Cancelled);
        if (isEnd || !inflight.requests.empty())
            return !inflight.requests.empty();
    }
}

/// Those that run: their blocks are free at once.
void ModelServer::dropCancelled(Inflight& inflight)
{
    for (auto entry = inflight.requests.begin(); entry != inflight.requests.end();) {
        Job& job = entry->second.job;
        if (!job->isCancelled()) {
            ++entry;
            continue;
        }
        inflight.batcher.remove(job->id);
        finish(std::move(job), kCancelled, FailureReason::Cancelled);
        entry = inflight.requests.erase(entry);
    }
}

void ModelServer::iterate(Instance& instance, Inflight& inflight)
{
    RequestTimes times;
    std::vector<Job> done;
    if (instance.turns)
        instance.turns->begin();
    if (m_parts->iterationProfiler)
        m_parts->iterationProfiler->begin(inflight.iteration);
    const Result<void> result = withoutExceptions([&] { return computeIteration(instance, inflight, times, done); });
    if (m_parts->iterationProfiler)
        m_parts->iterationProfiler->end(inflight.iteration);
    if (instance.turns)
        instance.turns->end();
    ++inflight.iteration;
    for (Job& job : done)
        finishJoined(std::move(job), times);
    if (result)
        return;
    inflight.batcher.clear();
    for (auto& [request, joined] : std::exchange(inflight.requests, {}))
        finish(std::move(joined.job), result, FailureReason::Backend);
}

/// `done`: requests whose last token this iteration has made.
Result<void> ModelServer::computeIteration(const Instance& instance, Inflight& inflight, RequestTimes& times, std::vector<Job>& done)
{
    using Step = RequestRanges::Step;
    const std::uint64_t batchId = g_nextBatch.fetch_add(1, std::memory_order_relaxed);
    times.computeStart = nowNs();
    const PushedRange execution(m_ranges, Step::Execute, batchId, m_category);
    IterationRecord record;
    {
        const PushedRange range(m_ranges, Step::ComputeInput, batchId, m_category);
        record = beginIteration(instance, inflight, batchId, times.computeStart);
        times.inputEnd = nowNs();
    }
    {
        const PushedRange range(m_ranges, Step::ComputeInfer, batchId, m_category);
        GANTRY_CHECK(inflight.batcher.compute([this](int layer, const std::function<void()>& run) {
            const PushedRange inner(m_ranges, layer);
            run();
        }));
        times.outputStart = nowNs();
    }
    const std::vector<std::uint64_t> members = inflight.batcher.plan().members; // a request's number there is its job's
    {
        const PushedRange range(m_ranges, Step::ComputeOutput, batchId, m_category);
        respondTokens(inflight, done);
        times.computeEnd = nowNs();
    }
    for (const std::uint64_t member : members)
        m_ranges.markMemberDone(member);
    m_ranges.markExecuteDone(batchId, m_category);
    m_statistics.executed(static_cast<std::uint64_t>(record.scheduledRequests), times);
    if (!m_parts->iterationLog)
        return {};
    record.end = std::chrono::system_clock::now();
    record.durationNs = times.computeEnd - times.computeStart;
    m_parts->iterationLog->add(record);
    return {};
}

IterationRecord ModelServer::beginIteration(const Instance& instance, Inflight& inflight, std::uint64_t batchId, std::int64_t start)
{
    const InflightBatcher::Plan& plan = inflight.batcher.plan();
    for (const std::uint64_t member : plan.members) {
        InferJob& job = *inflight.requests.at(member).job;
        job.batchId = batchId;
        m_ranges.markMember(job.id);
        if (job.times.computeStart != 0) // and not by the range, which nobody may listen to
            continue;
        m_ranges.end(std::exchange(job.queueRange, 0));
        job.times.computeStart = job.responseBegan = start;
        job.times.inputEnd = nowNs();
        job.instance = instance.name;
        job.threadId = threadNumber();
        job.streamId = instance.backend->streamId();
    }
    IterationRecord record{.iteration = inflight.iteration, .rank = inflight.rank, .end = {}};
    record.newRequests = std::exchange(inflight.newRequests, 0);
    record.contextRequests = plan.contextRequests;
    record.contextTokens = plan.contextTokens;
    record.generationTokens = plan.generationTokens;
    record.cachedTokens = plan.cachedTokens;
    record.scheduledRequests = static_cast<int>(plan.members.size());
    record.blocks = inflight.batcher.cache().shape().blocks;
    record.usedBlocks = record.blocks - inflight.batcher.cache().freeBlocks();
    return record;
}

/// `done` grows one by one: what throws in between must not lose a request.
void ModelServer::respondTokens(Inflight& inflight, std::vector<Job>& done)
{
    const bool decoupled = m_description.config.model_transaction_policy().decoupled();
    for (const InflightBatcher::Token& token : inflight.batcher.takeTokens()) {
        const auto entry = inflight.requests.find(token.request);
        InferJob& job = *entry->second.job;
        std::vector<std::int32_t>& ids = entry->second.ids;
        ids.push_back(token.id);
        if (decoupled)
            respond(job, {outputIds(std::exchange(ids, {}))}, token.isLast);
        if (!token.isLast)
            continue;
        if (!ids.empty())
            job.outputs = {outputIds(ids)};
        done.push_back(std::move(entry->second.job));
        inflight.requests.erase(entry);
    }
}

/// `last`: of its last iteration. Its computation lasts from the first one's on.
void ModelServer::finishJoined(Job job, const RequestTimes& last)
{
    job->times.outputStart = last.outputStart;
    job->times.computeEnd = last.computeEnd;
    if (m_cache)
        keepInCache(*job);
    finish(std::move(job), {});
}

void ModelServer::refuseAll(std::vector<Job> jobs, const Error& error, FailureReason reason)
{
    for (Job& job : jobs)
        finish(std::move(job), error, reason);
}

void ModelServer::finish(Job job, const Result<void>& result, FailureReason reason)
{
    job->failure = reason;
    if (job->answerNumber == 0)
        return answer(*job, result);
    const std::uint64_t number = job->answerNumber;
    m_order->answer(number, [this, shared = std::shared_ptr<InferJob>(std::move(job)), result] { answer(*shared, result); });
}

void ModelServer::answer(InferJob& job, const Result<void>& result)
{
    if (job.queueRange != 0) // it was queued and not executed
        m_ranges.end(std::exchange(job.queueRange, 0));
    if (!result)
        m_ranges.markFailed(job.id);
    job.times.end = nowNs();
    const bool hasLast = result && job.lastResponse;
    if (hasLast)
        m_statistics.responded(job.responses++, job.responseBegan, job.lastResponse->madeNs, job.times.end,
                               job.lastResponse->outputs.empty() ? ResponseOutcome::Empty : ResponseOutcome::Sent);
    if (!result && job.responseBegan != 0 && m_description.config.model_transaction_policy().decoupled())
        m_statistics.responded(job.responses, job.responseBegan, job.times.end, job.times.end,
                               job.failure == FailureReason::Cancelled ? ResponseOutcome::Cancelled : ResponseOutcome::Failed);
    m_ranges.markRequestDone(job.id, m_category);
    m_ranges.end(job.requestRange);
    if (!result)
        m_statistics.failed(job.times.end - job.times.start, job.failure);
    else if (job.cacheHit)
        m_statistics.answeredByCache(job.times);
    else
        m_statistics.succeeded(job.times, job.rows);
    if (m_parts->groundTruth)
        m_parts->groundTruth->add(job, result.hasValue());
    if (m_parts->onFinished)
        m_parts->onFinished(job);
    if (hasLast && job.respond)
        job.respond(job, std::move(job.lastResponse->outputs), true);
    job.done(job, result);
}

} // namespace gantry::inference_server
