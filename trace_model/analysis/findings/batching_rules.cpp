#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/base/counted.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::findings {
namespace {

using records::RequestPhase;
using trace::RequestIndex;

constexpr std::size_t kFewestRequests = 20; // complete ones: fewer are no load to judge queues by
constexpr std::size_t kFewestExecutions = 20;
constexpr double kQueueBound = 0.30; // of the latency
constexpr double kWorthSaying = 0.10;
constexpr double kMostlyBusy = 0.5; // of the time that requests wait: below, instances are not what they wait for

Judgement noRequests()
{
    return Judgement::cannot("no requests were recorded");
}

/// The complete request that waited longest, as evidence.
Evidence longestWait(const Facts& facts, const ModelFacts& model)
{
    RequestIndex longest;
    DurationNs most = -1;
    for (const RequestIndex index : model.complete) {
        const auto& queue = facts.trace.requests[index.value].phases[static_cast<std::size_t>(RequestPhase::Queue)];
        if (queue && queue->duration() > most) {
            most = queue->duration();
            longest = index;
        }
    }
    return {"the request that waited longest, " + formatDuration(most), facts.trace.requests[longest.value].time, {}, longest};
}

/// Models with enough complete requests that tell of their queue.
std::vector<const ModelFacts*> queuedModels(const Facts& facts)
{
    std::vector<const ModelFacts*> models;
    for (const ModelFacts& model : facts.serving.models)
        if (model.complete.size() >= kFewestRequests && model.has(RequestPhase::Queue))
            models.push_back(&model);
    return models;
}

/// How long requests of a model waited while one of its instances did nothing, and how long they waited at all.
struct WaitTimes
{
    DurationNs withIdleInstance = 0, any = 0;
};

WaitTimes waitTimes(const Facts& facts, const ModelFacts& model)
{
    std::vector<TimeRange> all;
    for (const InstanceFacts& instance : model.instances)
        all.insert(all.end(), instance.executions.begin(), instance.executions.end());
    std::vector<TimestampNs> edges;
    for (const TimeRange& range : all) {
        edges.push_back(range.start);
        edges.push_back(range.end);
    }
    edges.push_back(facts.window.start);
    edges.push_back(facts.window.end);
    std::sort(edges.begin(), edges.end());
    const RangeCounts executing(std::move(all));
    const RangeCounts& queue = facts.serving.queueOf(model.model);
    WaitTimes times;
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
        const TimeRange part = TimeRange{edges[i], edges[i + 1]}.clippedTo(facts.window);
        if (part.isEmpty())
            continue;
        const DurationNs waited = queue.covered(part);
        times.any += waited;
        if (executing.at(part.start) < model.instances.size())
            times.withIdleInstance += waited;
    }
    return times;
}

/// Of other requests, how many wait when an execution begins, on average.
double leftWaiting(const Facts& facts, const ModelFacts& model)
{
    const RangeCounts& queue = facts.serving.queueOf(model.model);
    std::size_t waiting = 0;
    for (const trace::ExecutionIndex index : model.executions) {
        const trace::Execution& execution = facts.trace.executions[index.value];
        std::size_t own = 0; // whose queue phase ends a little after the execution began
        for (const RequestIndex member : facts.trace.membersOf(execution))
            if (const auto& phase = facts.trace.requests[member.value].phases[static_cast<std::size_t>(RequestPhase::Queue)])
                own += phase->contains(execution.time.start) ? 1 : 0;
        const std::size_t all = queue.at(execution.time.start);
        waiting += all > own ? all - own : 0;
    }
    return model.executions.empty() ? 0 : static_cast<double>(waiting) / static_cast<double>(model.executions.size());
}

double busiestGpu(const Facts& facts)
{
    double most = 0;
    for (const GpuFacts& gpu : facts.gpus)
        most = std::max(most, facts.shareOfWindow(gpu.busy));
    return most;
}

DurationNs meanOf(DurationNs sum, std::size_t count)
{
    return count > 0 ? sum / static_cast<DurationNs>(count) : 0;
}

/// For requests that wait though an instance is free.
std::vector<Remedy> earlierRemedies(const ModelFacts& model)
{
    return {{"Let a batch go as soon as an instance is free.",
             fmt::format("# config.pbtxt of {}\ndynamic_batching {{ max_queue_delay_microseconds: 0 }}", model.name)},
            {"See that no rate limit or order holds requests back: a sequence batcher, priorities, a rate limiter's resources.",
             "tritonserver --rate-limit=off …"}};
}

Finding queueFinding(const Facts& facts, const ModelFacts& model, const WaitTimes& waits)
{
    const double gpu = busiestGpu(facts);
    const double allBusy = waits.any > 0 ? 1 - static_cast<double>(waits.withIdleInstance) / static_cast<double>(waits.any) : 0;
    Finding finding;
    finding.severity = Severity::Problem;
    finding.share = model.share(model.phase(RequestPhase::Queue));
    finding.shareOf = ShareOf::RequestTime;
    finding.sentence =
        fmt::format("Requests of {} spend {} of their time in the queue ({} of {} on average); {} {} busy for {} of that time", model.name,
                    percent(*finding.share), formatDuration(meanOf(model.phase(RequestPhase::Queue), model.complete.size())),
                    formatDuration(meanOf(model.latency, model.complete.size())),
                    model.instances.size() > 1 ? fmt::format("all {} instances", model.instances.size()) : std::string("its instance"),
                    model.instances.size() > 1 ? "are" : "is", percent(allBusy));
    finding.sentence += facts.hasGpuWork() ? fmt::format(", the GPU for {} of the window.", percent(gpu)) : ".";
    finding.evidence.push_back(longestWait(facts, model));
    if (allBusy < kMostlyBusy) {
        finding.sentence += " They wait for a batch to fill, or are held back, for an instance is free.";
        finding.remedies = earlierRemedies(model);
        return finding;
    }
    const Remedy batches{
        "Let requests that wait share an execution.",
        fmt::format("# config.pbtxt of {}\nmax_batch_size: {}\ndynamic_batching {{ }}", model.name, std::max(8u, model.largestBatch * 2))};
    const Remedy instances{
        "Let more run at once: the GPU has room.",
        fmt::format("# config.pbtxt of {}\ninstance_group [ {{ count: {} kind: KIND_GPU }} ]", model.name, model.instances.size() + 1)};
    const Remedy limit{
        "Where the load is more than the server can take, refuse early instead of letting everybody wait.",
        fmt::format("# config.pbtxt of {}\ndynamic_batching {{ default_queue_policy {{ max_queue_size: 64 timeout_action: REJECT "
                    "default_timeout_microseconds: 100000 }} }}",
                    model.name)};
    constexpr double kRoom = 0.7; // a GPU that is less busy takes more beside what it does
    if (model.largestBatch <= 1)
        finding.remedies.push_back(batches);
    if (facts.hasGpuWork() && gpu < kRoom)
        finding.remedies.push_back(instances);
    if (model.largestBatch > 1 && gpu >= kRoom)
        finding.remedies.push_back(batches);
    finding.remedies.push_back(limit);
    return finding;
}

std::optional<Finding> notFilling(const Facts& facts, const ModelFacts& model)
{
    const DurationNs wait = meanOf(model.phase(RequestPhase::Queue), model.complete.size());
    const double queueShare = model.share(model.phase(RequestPhase::Queue));
    if (model.isInFlight || model.largestBatch < 2 || model.executions.size() < kFewestExecutions || queueShare < kWorthSaying ||
        model.averageBatch > 0.5 * model.largestBatch)
        return std::nullopt;
    const double left = leftWaiting(facts, model);
    const double perSecond =
        static_cast<double>(model.complete.size()) * 1e9 / static_cast<double>(std::max<DurationNs>(1, facts.window.duration()));
    const double arriving = perSecond * static_cast<double>(wait) / 1e9;
    const WaitTimes waits = waitTimes(facts, model);
    const bool isLeftBehind = left >= 1;
    // Full instances explain waiting without batches; then it is no matter of how they are filled.
    if (!isLeftBehind && waits.withIdleInstance * 2 < waits.any)
        return std::nullopt;
    Finding finding;
    finding.severity = queueShare >= kQueueBound ? Severity::Problem : Severity::Advice;
    finding.share = queueShare;
    finding.shareOf = ShareOf::RequestTime;
    finding.evidence.push_back(longestWait(facts, model));
    if (isLeftBehind) {
        finding.sentence =
            fmt::format("Batches of {} hold {:.1f} requests on average where {} were seen, though {:.1f} more are waiting when one begins.",
                        model.name, model.averageBatch, model.largestBatch, left);
        finding.remedies = {
            {"Preferred sizes that do not fit, or an order that must be kept, leave requests behind: take any size.",
             fmt::format("# config.pbtxt of {}: without preferred_batch_size\ndynamic_batching {{ max_queue_delay_microseconds: 100 }}",
                         model.name)}};
        return finding;
    }
    finding.sentence = fmt::format("Requests of {} wait {} for others to share an execution with, but at {:.0f} requests/s only {:.1f} "
                                   "come in that time: batches hold "
                                   "{:.1f} on average, and {} at most.",
                                   model.name, formatDuration(wait), perSecond, arriving, model.averageBatch, model.largestBatch);
    finding.remedies = {{"Wait less: the delay adds to every request and brings hardly any companion.",
                         fmt::format("# config.pbtxt of {}\ndynamic_batching {{ max_queue_delay_microseconds: 0 }}", model.name)},
                        {"Or, where throughput counts more than latency, wait until a batch can fill at this rate.",
                         fmt::format("# config.pbtxt of {}\ndynamic_batching {{ max_queue_delay_microseconds: {:.0f} }}", model.name,
                                     1e6 * model.largestBatch / std::max(1.0, perSecond))}};
    return finding;
}

/// Why nothing can be said of queues; nothing: it can. Absent is not zero: without the times of the queue nobody knows whether anything
/// waited.
std::optional<Judgement> whyNoQueues(const Facts& facts)
{
    if (!facts.hasRequests())
        return noRequests();
    if (queuedModels(facts).empty())
        return Judgement::cannot("no model has enough requests with times of the queue");
    return {};
}

/// The same of batches.
std::optional<Judgement> whyNoBatches(const Facts& facts)
{
    if (facts.hasRequests() && facts.trace.executions.size() == 0)
        return Judgement::cannot("no executions were recorded");
    return whyNoQueues(facts);
}

} // namespace

Judgement judgeQueueBound(const Facts& facts)
{
    if (auto why = whyNoQueues(facts))
        return std::move(*why);
    Judgement judgement;
    for (const ModelFacts* model : queuedModels(facts))
        if (model->share(model->phase(RequestPhase::Queue)) >= kQueueBound)
            judgement.findings.push_back(queueFinding(facts, *model, waitTimes(facts, *model)));
    return judgement;
}

Judgement judgeIdleInstances(const Facts& facts)
{
    if (auto why = whyNoQueues(facts))
        return std::move(*why);
    Judgement judgement;
    for (const ModelFacts* model : queuedModels(facts)) {
        const WaitTimes waits = waitTimes(facts, *model);
        const double share = facts.shareOfWindow(waits.withIdleInstance), queueShare = model->share(model->phase(RequestPhase::Queue));
        if (model->instances.size() < 2 || share < kWorthSaying || queueShare < kWorthSaying)
            continue;
        Finding finding;
        finding.severity = queueShare >= kQueueBound ? Severity::Problem : Severity::Advice;
        finding.share = share;
        finding.sentence = fmt::format("For {}, {} of the window, requests of {} wait while at least one of its {} instances does nothing.",
                                       formatDuration(waits.withIdleInstance), percent(share), model->name, model->instances.size());
        finding.evidence.push_back(longestWait(facts, *model));
        finding.remedies = earlierRemedies(*model);
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgeBatchingAbsent(const Facts& facts)
{
    if (auto why = whyNoBatches(facts))
        return std::move(*why);
    Judgement judgement;
    for (const ModelFacts* model : queuedModels(facts)) {
        const double queueShare = model->share(model->phase(RequestPhase::Queue));
        if (model->isInFlight || model->largestBatch != 1 || model->executions.size() < kFewestExecutions || queueShare < kWorthSaying)
            continue;
        const double left = leftWaiting(facts, *model);
        if (left < 0.5)
            continue;
        Finding finding;
        finding.severity = queueShare >= kQueueBound ? Severity::Problem : Severity::Advice;
        finding.share = queueShare;
        finding.shareOf = ShareOf::RequestTime;
        finding.sentence = fmt::format(
            "{} executes one request at a time, though {:.1f} others wait on average when it begins one: {} could share an execution.",
            model->name, left, counted(static_cast<std::uint64_t>(left + 1.5), "request"));
        finding.evidence.push_back(longestWait(facts, *model));
        finding.remedies = {
            {"Let the server batch them.",
             fmt::format("# config.pbtxt of {}\nmax_batch_size: 8\ndynamic_batching {{ max_queue_delay_microseconds: 100 }}",
                         model->name)}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgeBatchesNotFilling(const Facts& facts)
{
    if (auto why = whyNoBatches(facts))
        return std::move(*why);
    Judgement judgement;
    for (const ModelFacts* model : queuedModels(facts))
        if (auto finding = notFilling(facts, *model))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

} // namespace gantry::findings
