#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/base/counted.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <array>
#include <optional>

namespace gantry::findings {
namespace {

using records::RequestPhase;
using trace::RequestIndex;

constexpr std::size_t kFewestForPercentiles = 100; // complete requests: the slowest twentieth are then five or more
constexpr double kSlowTail = 2.0;                  // times the median
constexpr double kColdAmongFew = 2.0;              // times the median of the later ones, where there are few
constexpr double kColdAmongMany = 3.0;             // where the slowest of many may be the first by chance

Judgement noRequests()
{
    return Judgement::cannot("no requests were recorded");
}

DurationNs latencyOf(const Facts& facts, RequestIndex index)
{
    return facts.trace.requests[index.value].time.duration();
}

Evidence evidenceOf(const Facts& facts, RequestIndex index, std::string what)
{
    return {std::move(what), facts.trace.requests[index.value].time, {}, index};
}

/// Whether the response cache answered it: looked up, and not executed.
bool isHit(const trace::Request& request)
{
    return request.phases[static_cast<std::size_t>(RequestPhase::Cache)] && request.execution.isNone() &&
           !request.phases[static_cast<std::size_t>(RequestPhase::ComputeInfer)];
}

analysis::Distribution latencies(const Facts& facts, const std::vector<RequestIndex>& requests)
{
    std::vector<DurationNs> values;
    values.reserve(requests.size());
    for (const RequestIndex index : requests)
        values.push_back(latencyOf(facts, index));
    return analysis::distributionOf(std::move(values));
}

/// Whether the server's own counter says that its cache answered anything in the window; nothing: there is no such counter.
std::optional<bool> hitsByCounter(const trace::Trace& trace)
{
    std::optional<bool> hits;
    for (const trace::Track& track : trace.tracks) {
        if (track.kind != trace::TrackKind::Counter || !track.counter.source.starts_with("nv_cache_num_hits"))
            continue;
        const trace::SamplesInWindow samples = trace::samplesInWindow(trace, track.counter);
        for (std::size_t i = samples.begin; i < samples.end; ++i)
            hits = hits.value_or(false) || track.counter.value[i] > 0;
    }
    return hits;
}

/// Loading, compiling and allocating inside of a time, of a sentence; empty: none was recorded.
std::string coldWorkIn(const Facts& facts, TimeRange time)
{
    DurationNs loading = 0, allocating = 0;
    for (const ThreadFacts& thread : facts.host.threads())
        for (const std::uint32_t row : thread.calls) {
            const CallClass callClass = facts.host.classOfRow(facts.trace, row);
            const DurationNs part = facts.trace.apiCalls.time(row).clippedTo(time).duration();
            loading += callClass == CallClass::Load ? part : 0;
            allocating += callClass == CallClass::Memory ? part : 0;
        }
    DurationNs overhead = 0;
    for (std::uint32_t row = 0; row < facts.trace.overheads.size(); ++row)
        overhead += facts.trace.overheads.time(row).clippedTo(time).duration();
    loading = std::max(loading, overhead);
    std::string text;
    if (loading > 0)
        text += fmt::format("; code was loaded or compiled meanwhile for {}", formatDuration(loading));
    if (allocating > 0)
        text += fmt::format("{} memory was allocated for {}", text.empty() ? "; meanwhile" : " and", formatDuration(allocating));
    return text;
}

/// The first complete request of a model and those that began after it was done.
struct FirstAndRest
{
    RequestIndex first;
    std::vector<RequestIndex> later;
    std::size_t hits = 0; ///< of the later ones
};

std::optional<FirstAndRest> firstAndRest(const Facts& facts, const ModelFacts& model)
{
    if (model.complete.size() < 2)
        return std::nullopt;
    FirstAndRest split{model.complete.front(), {}, 0};
    const trace::Request& first = facts.trace.requests[split.first.value];
    for (const RequestIndex index : model.complete) {
        const trace::Request& request = facts.trace.requests[index.value];
        if (request.time.start < first.time.end)
            continue;
        split.later.push_back(index);
        split.hits += isHit(request) ? 1 : 0;
    }
    return split.later.empty() ? std::nullopt : std::optional(split);
}

std::optional<Finding> firstRequest(const Facts& facts, const ModelFacts& model)
{
    const auto split = firstAndRest(facts, model);
    if (!split || isHit(facts.trace.requests[split->first.value]))
        return std::nullopt;
    const DurationNs first = latencyOf(facts, split->first);
    const analysis::Distribution later = latencies(facts, split->later);
    const bool isFew = split->later.size() < 20;
    const double factor = static_cast<double>(first) / static_cast<double>(std::max<DurationNs>(1, later.p50));
    if (factor < (isFew ? kColdAmongFew : kColdAmongMany) || first <= later.max)
        return std::nullopt;
    Finding finding;
    finding.severity = Severity::Advice;
    finding.shareOf = ShareOf::RequestTime;
    finding.share = model.share(first - later.p50);
    finding.evidence.push_back(evidenceOf(facts, split->first, "the first request, " + formatDuration(first)));
    finding.evidence.push_back(
        evidenceOf(facts, split->later.front(), "the one after it, " + formatDuration(latencyOf(facts, split->later.front()))));
    const std::string times = fmt::format("The first request of {} takes {}, the later {} {}", model.name, formatDuration(first),
                                          split->later.size() == 1 ? "one" : "ones", formatDuration(later.p50));
    const bool isByCounter = split->hits == 0 && !model.has(RequestPhase::Cache) && hitsByCounter(facts.trace).value_or(false);
    if (split->hits * 2 > split->later.size() || isByCounter) {
        finding.severity = Severity::Note;
        finding.sentence = fmt::format("{}: that is the response cache, which answered {}, not warm-up.", times,
                                       isByCounter                                      ? "by the server's counter at least one of them"
                                       : counted(split->hits, "of them") == "1 of them" ? "1 of them"
                                                                                        : fmt::format("{} of them", split->hits));
        finding.remedies = {{"Measure computing with inputs that differ, or with the cache off.",
                             fmt::format("# config.pbtxt of {}\nresponse_cache {{ enable: false }}", model.name)}};
        return finding;
    }
    finding.sentence = fmt::format("{}: that is warm-up, for the response cache answered none of them{}.", times,
                                   coldWorkIn(facts, facts.trace.requests[split->first.value].time));
    finding.remedies = {{"Send requests of every shape before the model is ready.",
                         fmt::format("# config.pbtxt of {}\nmodel_warmup [ {{\n  name: \"warm\"\n  batch_size: 1\n  inputs {{ key: "
                                     "\"INPUT\" value: {{ data_type: TYPE_FP32 dims: [ 1 ] "
                                     "zero_data: true }} }}\n}} ]",
                                     model.name)},
                        {"Load all code at the start instead of with the first launch.", "CUDA_MODULE_LOADING=EAGER"}};
    return finding;
}

/// What the response cache did for a model.
struct CacheUse
{
    std::vector<RequestIndex> hits, misses; ///< of the complete requests that were looked up
    [[nodiscard]] std::size_t lookups() const { return hits.size() + misses.size(); }
    [[nodiscard]] double hitRatio() const { return lookups() > 0 ? static_cast<double>(hits.size()) / static_cast<double>(lookups()) : 0; }
};

CacheUse cacheUse(const Facts& facts, const ModelFacts& model)
{
    CacheUse use;
    for (const RequestIndex index : model.complete) {
        const trace::Request& request = facts.trace.requests[index.value];
        if (request.phases[static_cast<std::size_t>(RequestPhase::Cache)])
            (isHit(request) ? use.hits : use.misses).push_back(index);
    }
    return use;
}

template <typename Judge>
Judgement judgeCaches(const Facts& facts, Judge judge)
{
    constexpr std::size_t kFewestLookups = 20;
    if (!facts.hasRequests())
        return noRequests();
    Judgement judgement;
    bool hasCache = false;
    for (const ModelFacts& model : facts.serving.models) {
        const CacheUse use = cacheUse(facts, model);
        hasCache = hasCache || use.lookups() > 0;
        if (use.lookups() < kFewestLookups)
            continue;
        if (std::optional<Finding> finding = judge(model, use))
            judgement.findings.push_back(std::move(*finding));
    }
    return hasCache ? judgement : Judgement::cannot("no request was looked up in a response cache");
}

Remedy cacheOff(const ModelFacts& model)
{
    return {"Switch it off for this model: each miss pays for a look-up and for storing the answer.",
            fmt::format("# config.pbtxt of {}\nresponse_cache {{ enable: false }}", model.name)};
}

/// Of what requests spend more time on than the median request does: the place of the phase, or of the time outside.
struct TailCause
{
    std::string name;
    DurationNs more = 0; ///< than the median, on average over the slow ones
};

std::array<DurationNs, records::kRequestPhaseCount + 1> partsOf(const trace::Request& request)
{
    std::array<DurationNs, records::kRequestPhaseCount + 1> parts{};
    for (std::size_t i = 0; i < request.phases.size(); ++i)
        parts[i] = request.phases[i] ? request.phases[i]->duration() : 0;
    parts.back() = analysis::outsidePhases(request);
    return parts;
}

TailCause tailCause(const Facts& facts, const ModelFacts& model, const std::vector<RequestIndex>& slow)
{
    TailCause cause;
    for (std::size_t part = 0; part <= static_cast<std::size_t>(records::kRequestPhaseCount); ++part) {
        std::vector<DurationNs> all;
        for (const RequestIndex index : model.complete)
            all.push_back(partsOf(facts.trace.requests[index.value])[part]);
        const DurationNs median = analysis::distributionOf(std::move(all)).p50;
        DurationNs more = 0;
        for (const RequestIndex index : slow)
            more += partsOf(facts.trace.requests[index.value])[part] - median;
        more /= static_cast<DurationNs>(slow.size());
        if (more > cause.more)
            cause = {std::string(records::name(static_cast<RequestPhase>(part))), more};
    }
    return cause;
}

Remedy tailRemedy(const std::string& phase)
{
    if (phase == "queue")
        return {"They wait: bound the queue, or let a batch go earlier.", "dynamic_batching { max_queue_delay_microseconds: 0 }"};
    if (phase == "compute_infer")
        return {"They compute longer: select one and compare its kernels and gaps with a median one; other shapes, a larger batch, or "
                "another instance "
                "that uses the GPU at the same time are the usual reasons.",
                ""};
    if (phase == "outside")
        return {"They lose time outside of the server's phases: reading the request, waking a thread, sending the answer. Give the server "
                "threads, or "
                "the client more connections.",
                "tritonserver --grpc-infer-thread-count=8"};
    return {"They copy longer: larger inputs or outputs, or pageable memory.", ""};
}

std::optional<Finding> slowTail(const Facts& facts, const ModelFacts& model)
{
    if (model.complete.size() < kFewestForPercentiles)
        return std::nullopt;
    const analysis::Distribution all = latencies(facts, model.complete);
    if (static_cast<double>(all.p99) < kSlowTail * static_cast<double>(all.p50))
        return std::nullopt;
    std::vector<RequestIndex> slow;
    for (const RequestIndex index : model.complete)
        if (latencyOf(facts, index) >= all.p99)
            slow.push_back(index);
    std::sort(slow.begin(), slow.end(), [&](RequestIndex a, RequestIndex b) { return latencyOf(facts, a) > latencyOf(facts, b); });
    const TailCause cause = tailCause(facts, model, slow);
    const DurationNs more = latencies(facts, slow).total / static_cast<DurationNs>(slow.size()) - all.p50;
    Finding finding;
    finding.severity = Severity::Advice;
    finding.shareOf = ShareOf::RequestTime;
    finding.share = model.share(more * static_cast<DurationNs>(slow.size()));
    finding.sentence = fmt::format("The slowest {} of {} take {} or more, where the median is {}; most of the difference is {} ({} of {}).",
                                   counted(slow.size(), "request"), model.name, formatDuration(all.p99), formatDuration(all.p50),
                                   cause.name, formatDuration(cause.more), formatDuration(more));
    for (std::size_t i = 0; i < std::min<std::size_t>(3, slow.size()); ++i)
        finding.evidence.push_back(evidenceOf(facts, slow[i], formatDuration(latencyOf(facts, slow[i]))));
    finding.remedies.push_back(tailRemedy(cause.name));
    return finding;
}

} // namespace

Judgement judgeFirstRequest(const Facts& facts)
{
    if (!facts.hasRequests())
        return noRequests();
    Judgement judgement;
    for (const ModelFacts& model : facts.serving.models)
        if (auto finding = firstRequest(facts, model))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

Judgement judgeCacheUseless(const Facts& facts)
{
    constexpr double kFewHits = 0.05, kDear = 0.05;
    return judgeCaches(facts, [&](const ModelFacts& model, const CacheUse& use) -> std::optional<Finding> {
        if (use.hitRatio() >= kFewHits)
            return std::nullopt;
        const DurationNs time = model.phase(RequestPhase::Cache);
        Finding finding;
        finding.share = model.share(time);
        finding.shareOf = ShareOf::RequestTime;
        finding.severity = *finding.share >= kDear ? Severity::Problem : Severity::Advice;
        finding.sentence = fmt::format("The response cache answered {} of {} requests of {}; looking up took {}, {} of their time.",
                                       use.hits.size(), use.lookups(), model.name, formatDuration(time), percent(*finding.share));
        finding.evidence.push_back(evidenceOf(facts, use.misses.front(), "a request that it did not answer"));
        finding.remedies.push_back(cacheOff(model));
        return finding;
    });
}

Judgement judgeCacheHarmful(const Facts& facts)
{
    constexpr std::size_t kFewestHits = 10;
    return judgeCaches(facts, [&](const ModelFacts& model, const CacheUse& use) -> std::optional<Finding> {
        if (use.hits.size() < kFewestHits || use.misses.size() < kFewestHits)
            return std::nullopt;
        const DurationNs hit = latencies(facts, use.hits).p50, miss = latencies(facts, use.misses).p50;
        if (static_cast<double>(hit) < 0.9 * static_cast<double>(miss))
            return std::nullopt;
        Finding finding;
        finding.severity = Severity::Problem;
        finding.share = model.share(model.phase(RequestPhase::Cache));
        finding.shareOf = ShareOf::RequestTime;
        finding.sentence =
            fmt::format("Requests of {} that the response cache answers take {}, those that are computed {}: it saves nothing.", model.name,
                        formatDuration(hit), formatDuration(miss));
        finding.evidence.push_back(evidenceOf(facts, use.hits.front(), "a request that it answered"));
        finding.remedies.push_back(cacheOff(model));
        return finding;
    });
}

Judgement judgeCacheHides(const Facts& facts)
{
    constexpr double kMany = 0.20;
    return judgeCaches(facts, [&](const ModelFacts& model, const CacheUse& use) -> std::optional<Finding> {
        if (use.hitRatio() < kMany)
            return std::nullopt;
        Finding finding;
        finding.severity = Severity::Note;
        finding.sentence = fmt::format(
            "The response cache answered {} of the requests of {} ({} of {}): their latency says nothing of the model, and the GPU's "
            "figures are of the others alone.",
            percent(use.hitRatio()), model.name, use.hits.size(), use.lookups());
        if (!use.misses.empty())
            finding.sentence +=
                fmt::format(" Those that were computed take {} at the median.", formatDuration(latencies(facts, use.misses).p50));
        finding.evidence.push_back(evidenceOf(facts, use.hits.front(), "a request that it answered"));
        finding.remedies = {{"To measure the model, send inputs that differ, or switch the cache off.",
                             fmt::format("# config.pbtxt of {}\nresponse_cache {{ enable: false }}", model.name)}};
        return finding;
    });
}

Judgement judgeSlowestRequests(const Facts& facts)
{
    if (!facts.hasRequests())
        return noRequests();
    const bool hasEnough = std::any_of(facts.serving.models.begin(), facts.serving.models.end(),
                                       [](const ModelFacts& model) { return model.complete.size() >= kFewestForPercentiles; });
    if (!hasEnough)
        return Judgement::cannot(fmt::format("no model has {} complete requests", kFewestForPercentiles));
    Judgement judgement;
    for (const ModelFacts& model : facts.serving.models)
        if (auto finding = slowTail(facts, model))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

Judgement judgeFailedRequests(const Facts& facts)
{
    if (!facts.hasRequests())
        return noRequests();
    Judgement judgement;
    for (const ModelFacts& model : facts.serving.models) {
        if (model.failed.empty())
            continue;
        Finding finding;
        finding.severity = Severity::Problem;
        finding.sentence = fmt::format("{} of {} failed, beside {} that did not.", counted(model.failed.size(), "request"), model.name,
                                       model.complete.size());
        for (std::size_t i = 0; i < std::min<std::size_t>(3, model.failed.size()); ++i)
            finding.evidence.push_back(evidenceOf(facts, model.failed[i], "a request that failed"));
        finding.remedies = {
            {"The server's log says why: a full queue, a timeout, a shape that does not fit. Read it at the time of the evidence.",
             "tritonserver --log-verbose=1"}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

} // namespace gantry::findings
