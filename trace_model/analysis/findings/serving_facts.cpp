#include "trace_model/analysis/findings/serving_facts.h"

#include <algorithm>
#include <utility>

namespace gantry::findings {
namespace {

using trace::ExecutionIndex;
using trace::RequestIndex;
using trace::StringId;
using trace::Trace;

constexpr auto kQueue = static_cast<std::size_t>(records::RequestPhase::Queue);

void addRequest(ModelFacts& model, const trace::Request& request, RequestIndex index)
{
    model.isInFlight = model.isInFlight || request.earlierCount > 0;
    if (request.failed)
        model.failed.push_back(index);
    if (request.failed || request.cutByWindow)
        return;
    model.complete.push_back(index);
    model.latency += request.time.duration();
    for (std::size_t i = 0; i < model.phases.size(); ++i)
        if (request.phases[i]) {
            model.phases[i] += request.phases[i]->duration();
            ++model.withPhase[i];
        }
}

InstanceFacts& instanceOf(ModelFacts& model, const Trace& trace, const trace::Execution& execution)
{
    for (InstanceFacts& instance : model.instances)
        if (instance.globalTid == execution.globalTid)
            return instance;
    model.instances.push_back({execution.globalTid, std::string(trace.strings[execution.instance]), {}, 0});
    return model.instances.back();
}

void addExecution(ModelFacts& model, const Trace& trace, ExecutionIndex index)
{
    const trace::Execution& execution = trace.executions[index.value];
    InstanceFacts& instance = instanceOf(model, trace, execution);
    instance.executions.push_back(execution.time);
    instance.busy += execution.time.duration();
    if (execution.memberCount == 0)
        return;
    model.executions.push_back(index);
    model.largestBatch = std::max(model.largestBatch, execution.memberCount);
    model.averageBatch += (execution.memberCount - model.averageBatch) / static_cast<double>(model.executions.size());
}

} // namespace

RangeCounts::RangeCounts(std::vector<TimeRange> ranges)
{
    std::sort(ranges.begin(), ranges.end());
    for (const TimeRange& range : ranges) {
        m_starts.push_back(range.start);
        m_ends.push_back(range.end);
        if (range.isEmpty())
            continue;
        if (!m_union.empty() && range.start <= m_union.back().end)
            m_union.back().end = std::max(m_union.back().end, range.end);
        else
            m_union.push_back(range);
    }
    std::sort(m_ends.begin(), m_ends.end());
}

std::size_t RangeCounts::at(TimestampNs time) const
{
    const auto begun = std::upper_bound(m_starts.begin(), m_starts.end(), time) - m_starts.begin();
    const auto ended = std::upper_bound(m_ends.begin(), m_ends.end(), time) - m_ends.begin();
    return static_cast<std::size_t>(begun - ended);
}

DurationNs RangeCounts::covered(TimeRange time) const
{
    DurationNs sum = 0;
    auto range = std::lower_bound(m_union.begin(), m_union.end(), time.start,
                                  [](const TimeRange& each, TimestampNs start) { return each.end <= start; });
    for (; range != m_union.end() && range->start < time.end; ++range)
        sum += range->clippedTo(time).duration();
    return sum;
}

std::vector<TimeRange> RangeCounts::uncovered(TimeRange time) const
{
    std::vector<TimeRange> rests;
    auto range = std::lower_bound(m_union.begin(), m_union.end(), time.start,
                                  [](const TimeRange& each, TimestampNs start) { return each.end <= start; });
    for (; range != m_union.end() && range->start < time.end; ++range) {
        if (range->start > time.start)
            rests.push_back({time.start, range->start});
        time.start = range->end;
    }
    if (!time.isEmpty())
        rests.push_back(time);
    return rests;
}

DurationNs RangeCounts::covered() const
{
    DurationNs sum = 0;
    for (const TimeRange& range : m_union)
        sum += range.duration();
    return sum;
}

ServingFacts::ServingFacts(const Trace& trace)
{
    std::map<StringId, ModelFacts> found;
    std::map<StringId, std::vector<TimeRange>> queues;
    std::map<std::uint64_t, std::pair<StringId, std::vector<TimeRange>>> workers;
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i) {
        const trace::Request& request = trace.requests[i];
        addRequest(found[request.model], request, RequestIndex(i));
        if (request.phases[kQueue])
            queues[request.model].push_back(*request.phases[kQueue]);
    }
    for (std::uint32_t i = 0; i < trace.executions.size(); ++i) {
        const trace::Execution& execution = trace.executions[i];
        addExecution(found[execution.model], trace, ExecutionIndex(i));
        auto& [model, times] = workers[execution.globalTid];
        model = execution.model;
        times.push_back(execution.time);
    }
    for (auto& [id, model] : found) {
        model.model = id;
        model.name = trace.strings[id];
        models.push_back(std::move(model));
    }
    std::stable_sort(models.begin(), models.end(), [](const ModelFacts& a, const ModelFacts& b) { return a.latency > b.latency; });
    for (auto& [id, ranges] : queues)
        m_queues.emplace(id, RangeCounts(std::move(ranges)));
    for (auto& [tid, worker] : workers)
        m_workers.emplace(tid, Worker{RangeCounts(std::move(worker.second)), worker.first});
}

const RangeCounts& ServingFacts::queueOf(StringId model) const
{
    static const RangeCounts kNone;
    const auto found = m_queues.find(model);
    return found == m_queues.end() ? kNone : found->second;
}

std::optional<ExecutionSplit> ServingFacts::splitByExecution(std::uint64_t globalTid, TimeRange time) const
{
    const auto worker = m_workers.find(globalTid);
    if (worker == m_workers.end())
        return std::nullopt;
    ExecutionSplit split;
    split.executing = time.duration();
    for (const TimeRange& rest : worker->second.executions.uncovered(time)) {
        split.executing -= rest.duration();
        split.waitedFor += queueOf(worker->second.model).covered(rest);
    }
    return split;
}

} // namespace gantry::findings
