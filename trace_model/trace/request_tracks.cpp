#include "trace_model/trace/request_tracks.h"

#include "trace_model/trace/span_nesting.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace gantry::trace {
namespace {

using records::RequestPhase;

/// Counts what goes on at a time, by when each of it starts and ends.
class Depth
{
public:
    void add(TimeRange time)
    {
        m_changes.emplace_back(time.start, 1);
        m_changes.emplace_back(time.end, -1);
    }
    /// A sample at each change and where a window begins, and NaN from the end of one to the begin of the next or to `end`. The windows
    /// are in order, apart from each other, and hold all changes.
    [[nodiscard]] CounterColumns samples(const std::vector<TimeRange>& windows, TimestampNs end)
    {
        CounterColumns samples;
        samples.isExact = true;
        if (m_changes.empty())
            return samples;
        std::sort(m_changes.begin(), m_changes.end());
        int now = 0;
        auto change = m_changes.begin();
        for (const TimeRange& window : windows) {
            put(samples, window.start, now);
            for (; change != m_changes.end() && change->first <= window.end; ++change)
                put(samples, change->first, now += change->second);
            if (window.end < end)
                put(samples, window.end, std::numeric_limits<double>::quiet_NaN());
        }
        return samples;
    }

private:
    /// What is at a time in place of what was there before at the same time.
    static void put(CounterColumns& samples, TimestampNs time, double value)
    {
        if (!samples.time.empty() && samples.time.back() == time) {
            samples.value[samples.value.size() - 1] = value;
            return;
        }
        samples.time.push_back(time);
        samples.value.push_back(value);
    }

    std::vector<std::pair<TimestampNs, int>> m_changes;
};

constexpr std::size_t kSlowest = 20; ///< lanes that are high enough to be written on and fit on a screen

/// A request and its phases.
struct RequestSpans
{
    const Request* request;
    std::vector<LooseSpan> phases;
};

/// What is known of one model's requests and executions.
struct ModelLoad
{
    std::vector<RequestSpans> requests;
    Depth inFlight, queued, busy;
    CounterColumns batches;
};

std::map<std::string, ModelLoad> loadOfModels(const TrackList& list, const Trace& trace)
{
    std::vector<std::vector<LooseSpan>> phasesOf(trace.requests.size());
    for (std::uint32_t row = 0; row < trace.phases.size(); ++row)
        phasesOf[trace.phases.request[row].value].push_back(
            {trace.phases.start[row], trace.phases.end(row), EventId(EventKind::Phase, row)});
    std::map<std::string, ModelLoad> models;
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i) {
        const Request& request = trace.requests[i];
        if (phasesOf[i].empty())
            continue;
        ModelLoad& model = models[list.modelName(request.model, request.version)];
        model.requests.push_back({&request, std::move(phasesOf[i])});
        model.inFlight.add(request.time);
        if (const auto& queue = request.phases[static_cast<std::size_t>(RequestPhase::Queue)])
            model.queued.add(*queue);
    }
    for (const Execution& execution : trace.executions) {
        ModelLoad& model = models[list.modelName(execution.model, execution.version)];
        model.busy.add(execution.time);
        if (execution.memberCount > 0) {
            model.batches.time.push_back(execution.time.start);
            model.batches.value.push_back(execution.memberCount);
        }
    }
    return models;
}

std::string countOf(std::size_t requests)
{
    return fmt::format("{} request{}", requests, requests == 1 ? "" : "s");
}

/// The same requests again by who executed them, where there are several: they say whether one is slower than the others.
void addInstances(TrackList& list, TrackId model, const std::vector<RequestSpans>& requests)
{
    const Trace& trace = list.trace();
    std::map<std::pair<std::string, std::uint64_t>, std::pair<RowBuilder, std::size_t>> instances; // by name and process
    std::pair<RowBuilder, std::size_t> others;                                                     ///< cache hits, and what failed before
    for (const auto& [request, phases] : requests) {
        const bool isExecuted = request->execution.value < trace.executions.size();
        const Execution* execution = isExecuted ? &trace.executions[request->execution.value] : nullptr;
        const bool isNamed = execution && !execution->instance.isNone();
        auto& [lanes, count] =
            !execution ? others
                       : instances[{isNamed ? std::string(trace.strings[execution->instance]) : list.threadName(execution->globalTid),
                                    Trace::processOf(execution->globalTid)}];
        lanes.packLane(phases);
        ++count;
    }
    if (instances.size() < 2)
        return;
    const TrackId group = list.addGroup(model, "By instance", fmt::format("{} instances", instances.size()));
    const auto add = [&](const std::string& name, RowBuilder& lanes, std::size_t count) {
        Track track;
        track.kind = TrackKind::RequestLanes;
        track.parent = group;
        track.name = name;
        track.detail = countOf(count);
        track.rows = lanes.takeRows();
        list.add(std::move(track));
    };
    std::set<std::uint64_t> processes;
    for (const auto& [key, instance] : instances)
        processes.insert(key.second);
    for (auto& [key, instance] : instances)
        add(processes.size() > 1 ? fmt::format("{} · {}", key.first, list.processName(key.second)) : key.first, instance.first,
            instance.second);
    if (others.second > 0)
        add("Not executed", others.first, others.second);
}

/// Of some requests the longest ones, the longest first.
void keepSlowest(std::vector<const Request*>& requests)
{
    const auto shown = static_cast<std::ptrdiff_t>(std::min(kSlowest, requests.size()));
    std::partial_sort(requests.begin(), requests.begin() + shown, requests.end(), [](const Request* a, const Request* b) {
        const DurationNs lengthA = a->time.duration(), lengthB = b->time.duration();
        return lengthA != lengthB ? lengthA > lengthB : a->time.start < b->time.start;
    });
    requests.resize(static_cast<std::size_t>(shown));
}

bool isComplete(const Request& request)
{
    return !request.cutByWindow && !request.failed;
}

/// The phases of a request, in order.
std::vector<LooseSpan> phasesOf(const Trace& trace, const Request& request)
{
    const PhaseColumns& phases = trace.phases;
    const RequestIndex index(static_cast<std::uint32_t>(&request - trace.requests.begin()));
    std::vector<LooseSpan> spans;
    const auto first = std::lower_bound(phases.start.begin(), phases.start.end(), request.time.start) - phases.start.begin();
    for (auto row = static_cast<std::uint32_t>(first); row < phases.size() && phases.start[row] <= request.time.end; ++row)
        if (phases.request[row] == index)
            spans.push_back({phases.start[row], phases.end(row), EventId(EventKind::Phase, row)});
    return spans;
}

/// The longest requests again, one in a lane, the longest in the first.
void addSlowest(TrackList& list, TrackId model, const std::vector<RequestSpans>& requests)
{
    std::vector<const Request*> slowest;
    for (const RequestSpans& spans : requests)
        if (isComplete(*spans.request))
            slowest.push_back(spans.request);
    if (slowest.size() < 2)
        return;
    const std::size_t complete = slowest.size();
    keepSlowest(slowest);
    RowBuilder lanes;
    for (const Request* request : slowest)
        lanes.addLane(phasesOf(list.trace(), *request));
    Track track;
    track.kind = TrackKind::RequestLanes;
    track.parent = model;
    track.name = "Slowest first";
    track.detail = slowest.size() < complete ? fmt::format("{} of {}", slowest.size(), countOf(complete)) : countOf(complete);
    track.rows = lanes.takeRows();
    list.add(std::move(track));
}

/// Requests of several tracks in one set of lanes.
void addTogether(TrackList& list, TrackId top, TrackKind kind, std::string name, std::vector<const RequestSpans*> requests)
{
    std::stable_sort(requests.begin(), requests.end(),
                     [](const RequestSpans* a, const RequestSpans* b) { return a->phases.front().start < b->phases.front().start; });
    RowBuilder lanes;
    for (const RequestSpans* spans : requests)
        lanes.packLane(spans->phases);
    Track track;
    track.kind = kind;
    track.parent = top;
    track.name = std::move(name);
    track.detail = countOf(requests.size());
    track.rows = lanes.takeRows();
    list.add(std::move(track));
}

/// All requests together, and those of all versions of a model, where that is something else than the lanes of each model and version.
void addTogether(TrackList& list, TrackId top, const std::map<std::string, ModelLoad>& models)
{
    std::vector<const RequestSpans*> all;
    std::map<std::string_view, std::vector<const RequestSpans*>> byModel;
    std::size_t versions = 0;
    for (const auto& [name, model] : models) {
        versions += model.requests.empty() ? 0 : 1;
        for (const RequestSpans& spans : model.requests) {
            all.push_back(&spans);
            byModel[list.trace().strings[spans.request->model]].push_back(&spans);
        }
    }
    if (versions > 1)
        addTogether(list, top, TrackKind::AllRequests, "All requests", std::move(all));
    if (byModel.size() == versions)
        return;
    for (auto& [name, requests] : byModel)
        addTogether(list, top, TrackKind::ModelRequests, std::string(name), std::move(requests));
}

void addModel(TrackList& list, TrackId top, const std::string& name, ModelLoad& model, const std::vector<TimeRange>& windows)
{
    TrackId parent = top;
    std::string prefix = name + " ";
    if (!model.requests.empty()) {
        std::stable_sort(model.requests.begin(), model.requests.end(),
                         [](const RequestSpans& a, const RequestSpans& b) { return a.phases.front().start < b.phases.front().start; });
        Track track;
        track.kind = TrackKind::RequestLanes;
        track.parent = top;
        track.name = name;
        track.detail = countOf(model.requests.size());
        RowBuilder lanes;
        for (const RequestSpans& spans : model.requests)
            lanes.packLane(spans.phases);
        track.rows = lanes.takeRows();
        parent = list.add(std::move(track));
        addInstances(list, parent, model.requests);
        addSlowest(list, parent, model.requests);
        prefix.clear();
    }
    const auto label = [&](std::string_view text) { return prefix.empty() ? std::string(text) : prefix + std::string(text); };
    const TimestampNs end = list.trace().time.end;
    list.addDerivedCounter(parent, label("In flight"), "requests", model.inFlight.samples(windows, end));
    list.addDerivedCounter(parent, label("Queue depth"), "requests", model.queued.samples(windows, end));
    list.addDerivedCounter(parent, label("Batch size"), "requests", std::move(model.batches));
    list.addDerivedCounter(parent, label("Instances busy"), "instances", model.busy.samples(windows, end));
}

/// One row per instance: its `execute` ranges, or what stands for them.
void addExecutions(TrackList& list, TrackId top)
{
    const Trace& trace = list.trace();
    const StringId executeText = trace.strings.find(records::nvtx_convention::kExecute);
    if (trace.executions.empty() || executeText.isNone())
        return;
    std::set<std::uint64_t> threads;
    for (const Execution& execution : trace.executions)
        threads.insert(execution.globalTid);
    std::map<std::pair<std::string, std::uint64_t>, RowBuilder> instances;
    for (std::uint32_t row = 0; row < trace.nvtxRanges.size(); ++row) {
        if (trace.nvtxRanges.text(row) != executeText)
            continue;
        const std::uint64_t tid = trace.nvtxRanges.globalTid(row);
        if (threads.contains(tid))
            instances[{list.threadName(tid), tid}].nest(
                {trace.nvtxRanges.start[row], trace.nvtxRanges.end(row), EventId(EventKind::NvtxRange, row)});
    }
    for (auto& [key, rows] : instances) {
        Track track;
        track.kind = TrackKind::Executions;
        track.parent = top;
        track.name = key.first;
        track.globalTid = key.second;
        track.detail = list.busyShare(rows.busy());
        track.rows = rows.takeRows();
        list.add(std::move(track));
    }
}

} // namespace

void addRequestTracks(TrackList& list, const std::vector<TimeRange>& windows)
{
    const Trace& trace = list.trace();
    if (trace.requests.empty() && trace.executions.empty())
        return;
    const TrackId top = list.addGroup({}, "Requests", fmt::format("{} in all", trace.requests.size()));
    auto models = loadOfModels(list, trace);
    addTogether(list, top, models);
    for (auto& [name, model] : models)
        addModel(list, top, name, model, windows);
    addExecutions(list, top);
}

std::map<TrackId, ChosenRequests> slowestRequests(const Trace& trace, TimeRange window)
{
    std::map<std::pair<StringId, StringId>, TrackId> tracks; // by model and version
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const Track& track = trace.tracks[i];
        const bool isSlowest = track.kind == TrackKind::RequestLanes && !track.parent.isNone() &&
                               trace.track(track.parent).kind == TrackKind::RequestLanes && !track.rows.empty();
        if (!isSlowest)
            continue;
        const Request& request = trace.requests[trace.phases.request[track.rows.front().event[0].row()].value];
        tracks[{request.model, request.version}] = TrackId(i);
    }
    std::map<TrackId, std::vector<const Request*>> requests;
    for (const auto& [model, track] : tracks)
        requests[track];
    for (const Request& request : trace.requests) {
        if (request.time.start >= window.end)
            break;
        if (request.time.end <= window.start || !isComplete(request))
            continue;
        if (const auto track = tracks.find({request.model, request.version}); track != tracks.end())
            requests[track->second].push_back(&request);
    }
    std::map<TrackId, ChosenRequests> chosen;
    for (auto& [track, slowest] : requests) {
        const std::size_t inView = slowest.size();
        keepSlowest(slowest);
        RowBuilder lanes;
        for (const Request* request : slowest)
            lanes.addLane(phasesOf(trace, *request));
        chosen[track] = {lanes.takeRows(), fmt::format("{}{} in view", slowest.size() < inView ? fmt::format("{} of ", slowest.size()) : "",
                                                       countOf(inView))};
    }
    return chosen;
}

} // namespace gantry::trace
