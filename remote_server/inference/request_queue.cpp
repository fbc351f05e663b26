#include "remote_server/inference/request_queue.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace gantry::inference_server {

RequestQueue::RequestQueue(const inference::ModelConfig& config)
    : m_batches(config.has_dynamic_batching() && config.max_batch_size() > 0),
      m_mostRows(static_cast<std::uint64_t>(std::max(1, config.max_batch_size()))),
      m_delayNs(static_cast<std::int64_t>(std::min<std::uint64_t>(config.dynamic_batching().max_queue_delay_microseconds(), 1ull << 50)) *
                1000),
      m_lastLevel(config.dynamic_batching().priority_levels()),
      m_defaultLevel(m_lastLevel == 0 ? 0 : config.dynamic_batching().default_priority_level())
{
    const auto& batching = config.dynamic_batching();
    for (const int size : batching.preferred_batch_size())
        m_preferred.insert(static_cast<std::uint64_t>(size));
    if (m_preferred.empty())
        m_preferred.insert(m_mostRows);
    for (const auto& input : config.input())
        if (input.allow_ragged_batch())
            m_ragged.insert(input.name());
    m_levels[m_defaultLevel].policy = batching.default_queue_policy();
    for (const auto& [level, policy] : batching.priority_queue_policy())
        m_levels[level].policy = policy;
}

RequestQueue::Job RequestQueue::push(Job job)
{
    if (job->priority == 0 || job->priority > m_lastLevel)
        job->priority = m_defaultLevel; // Triton: a level that does not exist is the default one
    const auto [found, isNew] = m_levels.try_emplace(job->priority);
    Level& level = found->second;
    if (isNew)
        level.policy = m_levels.at(m_defaultLevel).policy;
    const auto& policy = level.policy;
    if (policy.max_queue_size() != 0 && level.waiting.size() + level.delayed.size() >= policy.max_queue_size())
        return job;
    std::uint64_t timeoutUs = policy.default_timeout_microseconds();
    if (policy.allow_timeout_override() && job->timeoutUs != 0 && (timeoutUs == 0 || job->timeoutUs < timeoutUs))
        timeoutUs = job->timeoutUs; // a request may wait less than others, not more
    timeoutUs = std::min<std::uint64_t>(timeoutUs, 1ull << 50);
    const std::int64_t deadline = timeoutUs == 0 ? 0 : job->times.queueStart + static_cast<std::int64_t>(timeoutUs) * 1000;
    level.waiting.push_back({std::move(job), deadline});
    ++m_size;
    m_withDeadline += deadline != 0;
    return nullptr;
}

template <typename Matches>
void RequestQueue::takeIf(std::deque<Waiting>& from, const Matches& matches, std::vector<Job>& taken)
{
    std::deque<Waiting> rest;
    for (Waiting& waiting : from)
        if (matches(waiting)) {
            m_withDeadline -= waiting.deadlineNs != 0;
            taken.push_back(std::move(waiting.job));
        } else {
            rest.push_back(std::move(waiting));
        }
    from = std::move(rest);
}

std::vector<RequestQueue::Job> RequestQueue::takeExpired(std::int64_t nowNs)
{
    std::vector<Job> refused;
    if (m_withDeadline == 0)
        return refused;
    for (auto& [number, level] : m_levels) {
        const bool refuses = level.policy.timeout_action() == inference::ModelQueuePolicy::REJECT;
        std::vector<Job> expired;
        takeIf(
            level.waiting, [&](const Waiting& waiting) { return waiting.deadlineNs != 0 && nowNs > waiting.deadlineNs; }, expired);
        if (refuses)
            m_size -= expired.size();
        for (Job& job : expired)
            if (refuses)
                refused.push_back(std::move(job));
            else
                level.delayed.push_back({std::move(job), 0});
    }
    return refused;
}

std::vector<RequestQueue::Job> RequestQueue::takeCancelled()
{
    std::vector<Job> cancelled;
    const auto isCancelled = [](const Waiting& waiting) { return waiting.job->isCancelled(); };
    for (auto& [number, level] : m_levels) {
        takeIf(level.waiting, isCancelled, cancelled);
        takeIf(level.delayed, isCancelled, cancelled);
    }
    m_size -= cancelled.size();
    return cancelled;
}

template <typename Visit>
void RequestQueue::forEach(const Visit& visit) const
{
    for (const auto& [number, level] : m_levels)
        for (const auto* queue : {&level.waiting, &level.delayed})
            for (const Waiting& waiting : *queue)
                if (!visit(waiting))
                    return;
}

/// The inputs of a batch have the same shape but for their rows, unless the model says otherwise.
bool RequestQueue::fitsTogether(const InferJob& first, const InferJob& other) const
{
    return std::equal(first.inputs.begin(), first.inputs.end(), other.inputs.begin(), other.inputs.end(),
                      [&](const Tensor& a, const Tensor& b) {
                          if (a.name != b.name)
                              return false;
                          if (m_ragged.contains(a.name))
                              return true;
                          return a.shape.size() == b.shape.size() && !a.shape.empty() &&
                                 std::equal(a.shape.begin() + 1, a.shape.end(), b.shape.begin() + 1);
                      });
}

RequestQueue::Plan RequestQueue::plan(std::int64_t nowNs) const
{
    if (empty())
        return {};
    if (!m_batches)
        return {1, {}};
    const InferJob* first = nullptr;
    std::uint64_t rows = 0;
    std::size_t requests = 0, preferred = 0;
    std::int64_t oldest = std::numeric_limits<std::int64_t>::max(), deadline = oldest;
    bool cannotGrow = false;
    forEach([&](const Waiting& waiting) {
        const InferJob& job = *waiting.job;
        if (first && (rows + job.rows > m_mostRows || !fitsTogether(*first, job))) {
            cannotGrow = true;
            return false;
        }
        first = first ? first : &job;
        rows += job.rows;
        ++requests;
        oldest = std::min(oldest, job.times.queueStart);
        if (waiting.deadlineNs != 0)
            deadline = std::min(deadline, waiting.deadlineNs);
        if (m_preferred.contains(rows))
            preferred = requests;
        return true;
    });
    const bool waitedEnough = m_delayNs == 0 || nowNs - oldest >= m_delayNs;
    if (preferred > 0 && (m_delayNs == 0 || !waitedEnough))
        return {preferred, {}};
    if (cannotGrow || rows >= *m_preferred.rbegin() || waitedEnough || !m_waitsForCompany)
        return {requests, {}};
    return {0, std::min(oldest + m_delayNs, deadline)};
}

const InferJob* RequestQueue::next() const
{
    const InferJob* found = nullptr;
    forEach([&](const Waiting& waiting) {
        found = waiting.job.get();
        return false;
    });
    return found;
}

std::vector<RequestQueue::Job> RequestQueue::take(std::size_t requests)
{
    std::vector<Job> taken;
    taken.reserve(requests); // nothing below throws: a request that is taken is answered
    for (auto& [number, level] : m_levels)
        for (auto* queue : {&level.waiting, &level.delayed})
            for (; !queue->empty() && taken.size() < requests; queue->pop_front()) {
                m_withDeadline -= queue->front().deadlineNs != 0;
                taken.push_back(std::move(queue->front().job));
            }
    m_size -= taken.size();
    return taken;
}

} // namespace gantry::inference_server
