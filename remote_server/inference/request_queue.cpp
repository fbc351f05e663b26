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
    level.waiting.push_back({std::move(job), ++m_pushed, deadline});
    if (deadline != 0)
        m_deadlines.emplace(std::pair(deadline, m_pushed), Place{&level, std::prev(level.waiting.end())});
    ++m_size;
    return nullptr;
}

void RequestQueue::forgetDeadline(const Waiting& waiting)
{
    if (waiting.deadlineNs != 0)
        m_deadlines.erase({waiting.deadlineNs, waiting.number});
}

std::vector<RequestQueue::Job> RequestQueue::takeExpired(std::int64_t nowNs)
{
    std::vector<Job> refused;
    while (!m_deadlines.empty() && nowNs > m_deadlines.begin()->first.first) {
        const auto [level, waiting] = m_deadlines.begin()->second;
        if (level->policy.timeout_action() == inference::ModelQueuePolicy::REJECT) {
            refused.push_back(std::move(waiting->job));
            level->waiting.erase(waiting);
            --m_size;
        } else {
            waiting->deadlineNs = 0;
            level->delayed.splice(level->delayed.end(), level->waiting, waiting);
        }
        m_deadlines.erase(m_deadlines.begin());
    }
    return refused;
}

void RequestQueue::takeCancelled(Line& from, std::vector<Job>& taken)
{
    for (auto waiting = from.begin(); waiting != from.end();) {
        if (!waiting->job->isCancelled()) {
            ++waiting;
            continue;
        }
        taken.push_back(std::move(waiting->job));
        forgetDeadline(*waiting);
        waiting = from.erase(waiting);
    }
}

std::vector<RequestQueue::Job> RequestQueue::takeCancelled()
{
    std::vector<Job> cancelled;
    for (auto& [number, level] : m_levels) {
        takeCancelled(level.waiting, cancelled);
        takeCancelled(level.delayed, cancelled);
    }
    m_size -= cancelled.size();
    return cancelled;
}

template <typename Visit>
void RequestQueue::forEach(const Visit& visit) const
{
    for (const auto& [number, level] : m_levels)
        for (const Line* queue : {&level.waiting, &level.delayed})
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
        for (Line* queue : {&level.waiting, &level.delayed})
            for (; !queue->empty() && taken.size() < requests; queue->pop_front()) {
                forgetDeadline(queue->front());
                taken.push_back(std::move(queue->front().job));
            }
    m_size -= taken.size();
    return taken;
}

} // namespace gantry::inference_server
