#include "trace_model/trace/track_builder.h"

#include "trace_model/trace/span_nesting.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <tuple>

namespace gantry::trace {
namespace {

/// Length of the union of intervals.
/// Time that at least one span covers. Sorts them.
DurationNs unionOf(std::vector<LooseSpan>& spans)
{
    sortOuterFirst(spans);
    DurationNs total = 0;
    TimestampNs covered = std::numeric_limits<TimestampNs>::min();
    for (const LooseSpan& span : spans) {
        total += std::max<DurationNs>(0, span.end - std::max(span.start, covered));
        covered = std::max(covered, span.end);
    }
    return total;
}

class TrackBuilder
{
public:
    explicit TrackBuilder(Trace& trace) : m_trace(trace) {}

    void build(std::vector<Track> counters)
    {
        addRequests();
        addGpus();
        addProcesses();
        addCounters(std::move(counters));
    }

private:
    TrackId add(Track track)
    {
        m_trace.tracks.push_back(std::move(track));
        return TrackId(static_cast<std::uint32_t>(m_trace.tracks.size() - 1));
    }

    TrackId addGroup(TrackId parent, std::string name, std::string detail = {})
    {
        Track track;
        track.parent = parent;
        track.name = std::move(name);
        track.detail = std::move(detail);
        return add(std::move(track));
    }

    std::string modelName(StringId model, StringId version) const
    {
        const std::string_view number = m_trace.strings[version];
        return std::string(m_trace.strings[model]) + (number.empty() ? "" : ":" + std::string(number));
    }

    void addRequests()
    {
        if (m_trace.requests.empty() && m_trace.executions.empty())
            return;
        std::map<std::uint32_t, std::vector<LooseSpan>> phasesOf;
        for (std::uint32_t row = 0; row < m_trace.phases.size(); ++row)
            phasesOf[m_trace.phases.request[row].value].push_back({m_trace.phases.start[row], m_trace.phases.end[row], EventId(EventKind::Phase, row)});
        std::map<std::string, std::vector<std::vector<LooseSpan>>> groups;
        for (std::uint32_t i = 0; i < m_trace.requests.size(); ++i)
            if (const auto phases = phasesOf.find(i); phases != phasesOf.end())
                groups[modelName(m_trace.requests[i].model, m_trace.requests[i].version)].push_back(std::move(phases->second));
        const TrackId top = addGroup({}, "Requests", fmt::format("{}", m_trace.requests.size()));
        for (auto& [model, requests] : groups) {
            std::sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) { return a.front().start < b.front().start; });
            Track track;
            track.kind = TrackKind::RequestLanes;
            track.parent = top;
            track.name = model;
            track.detail = fmt::format("{}", requests.size());
            track.rows = packLanes(requests);
            add(std::move(track));
        }
        addExecutions(top);
    }

    /// One row per instance: its `execute` ranges, or what stands for them.
    void addExecutions(TrackId top)
    {
        const auto executeText = m_trace.strings.intern(records::nvtx_convention::kExecute);
        std::map<std::pair<std::string, std::uint64_t>, std::vector<LooseSpan>> instances;
        std::set<std::uint64_t> threads;
        for (const Execution& execution : m_trace.executions)
            threads.insert(execution.globalTid);
        for (std::uint32_t row = 0; row < m_trace.nvtxRanges.size(); ++row) {
            const std::uint64_t tid = m_trace.nvtxRanges.globalTid[row];
            if (m_trace.nvtxRanges.text[row] == executeText && threads.contains(tid))
                instances[{threadName(tid), tid}].push_back({m_trace.nvtxRanges.start[row], m_trace.nvtxRanges.end[row], EventId(EventKind::NvtxRange, row)});
        }
        for (auto& [key, spans] : instances) {
            Track track;
            track.kind = TrackKind::Executions;
            track.parent = top;
            track.name = key.first;
            track.globalTid = key.second;
            const double share = m_trace.time.isEmpty() ? 0.0 : static_cast<double>(unionOf(spans)) / static_cast<double>(m_trace.time.duration());
            track.detail = fmt::format("{:.1f} % busy", share * 100);
            track.rows = nestSpans(std::move(spans));
            add(std::move(track));
        }
    }

    struct StreamKey
    {
        std::uint32_t device, context;
        std::uint64_t process;
        std::uint32_t stream;
        auto operator<=>(const StreamKey&) const = default;
    };

    template <typename Columns>
    void collect(std::map<StreamKey, std::vector<LooseSpan>>& streams, const Columns& columns, EventKind kind)
    {
        for (std::uint32_t row = 0; row < columns.size(); ++row)
            streams[{columns.device[row], columns.context[row], columns.globalPid[row], columns.stream[row]}].push_back(
                {columns.start[row], columns.end[row], EventId(kind, row)});
    }

    void addGpus()
    {
        std::map<StreamKey, std::vector<LooseSpan>> streams;
        collect(streams, m_trace.kernels, EventKind::Kernel);
        collect(streams, m_trace.memcpys, EventKind::Memcpy);
        collect(streams, m_trace.memsets, EventKind::Memset);
        TrackId gpu, context;
        const StreamKey* last = nullptr;
        for (auto i = streams.begin(); i != streams.end(); ++i) {
            const StreamKey& key = i->first;
            if (!last || last->device != key.device)
                gpu = addGroup({}, gpuName(key.device));
            if (!last || std::tie(last->device, last->context, last->process) != std::tie(key.device, key.context, key.process)) {
                std::string process = fmt::format("{}", Trace::pidOf(key.process));
                if (const auto found = m_trace.processNames.find(key.process); found != m_trace.processNames.end())
                    process = found->second + " " + process;
                context = addGroup(gpu, fmt::format("Context {} · {}", key.context, process));
                addStreams(context, i, streams);
            }
            last = &key;
        }
    }

    /// "All streams" and one row for each stream of the context that `first` begins.
    void addStreams(TrackId parent, std::map<StreamKey, std::vector<LooseSpan>>::iterator first, std::map<StreamKey, std::vector<LooseSpan>>& streams)
    {
        std::vector<LooseSpan> all;
        std::vector<std::pair<std::uint32_t, DurationNs>> busy;
        DurationNs total = 0;
        auto end = first;
        for (; end != streams.end() && std::tie(end->first.device, end->first.context, end->first.process)
                   == std::tie(first->first.device, first->first.context, first->first.process); ++end) {
            all.insert(all.end(), end->second.begin(), end->second.end());
            busy.emplace_back(end->first.stream, unionOf(end->second));
            total += busy.back().second;
        }
        Track track;
        track.parent = parent;
        track.device = first->first.device;
        track.context = first->first.context;
        if (busy.size() > 1) {
            track.kind = TrackKind::GpuAllStreams;
            track.name = "All streams";
            const double share = m_trace.time.isEmpty() ? 0.0 : static_cast<double>(unionOf(all)) / static_cast<double>(m_trace.time.duration());
            track.detail = fmt::format("{:.1f} % busy", share * 100);
            track.rows = nestSpans(std::move(all));
            add(std::move(track));
        }
        std::size_t place = 0;
        for (auto i = first; i != end; ++i, ++place) {
            track = {};
            track.kind = TrackKind::GpuStream;
            track.parent = parent;
            track.device = i->first.device;
            track.context = i->first.context;
            track.stream = i->first.stream;
            track.name = fmt::format("Stream {}", i->first.stream);
            track.detail = total > 0 ? fmt::format("{:.1f} %", 100.0 * static_cast<double>(busy[place].second) / static_cast<double>(total)) : std::string();
            track.rows = nestSpans(withoutSmallOverlaps(std::move(i->second)));
            add(std::move(track));
        }
    }

    std::string gpuName(std::uint32_t device) const
    {
        for (const GpuInfo& gpu : m_trace.meta.gpus)
            if (gpu.device == device)
                return fmt::format("GPU {} · {}", device, gpu.name);
        return fmt::format("GPU {}", device);
    }

    std::string threadName(std::uint64_t globalTid) const
    {
        const auto found = m_trace.threadNames.find(globalTid);
        return found == m_trace.threadNames.end() ? fmt::format("Thread {}", Trace::tidOf(globalTid))
                                                  : fmt::format("{} ({})", found->second, Trace::tidOf(globalTid));
    }

    struct ProcessSpans
    {
        std::vector<LooseSpan> async;
        std::map<std::uint64_t, std::vector<LooseSpan>> nvtx, api;
    };

    /// The wanted rows of a set of columns, by thread.
    template <typename Columns, typename IsWanted>
    static std::map<std::uint64_t, std::vector<LooseSpan>> byThread(const Columns& columns, EventKind kind, IsWanted isWanted)
    {
        std::map<std::uint64_t, std::vector<LooseSpan>> spans;
        std::vector<LooseSpan>* last = nullptr; // events of a thread come in runs
        std::uint64_t lastTid = 0;
        for (std::uint32_t row = 0; row < columns.size(); ++row) {
            if (!isWanted(row))
                continue;
            const std::uint64_t tid = columns.globalTid[row];
            if (!last || tid != lastTid) {
                last = &spans[tid];
                lastTid = tid;
            }
            last->push_back({columns.start[row], columns.end[row], EventId(kind, row)});
        }
        return spans;
    }

    void addProcesses()
    {
        std::map<std::uint64_t, ProcessSpans> processes;
        const auto& ranges = m_trace.nvtxRanges;
        for (std::uint32_t row = 0; row < ranges.size(); ++row) {
            if (ranges.isStartEnd[row])
                processes[Trace::processOf(ranges.globalTid[row])].async.push_back({ranges.start[row], ranges.end[row], EventId(EventKind::NvtxRange, row)});
        }
        for (auto& [tid, spans] : byThread(ranges, EventKind::NvtxRange, [&](std::uint32_t row) { return !ranges.isStartEnd[row]; }))
            processes[Trace::processOf(tid)].nvtx[tid] = std::move(spans);
        for (auto& [tid, spans] : byThread(m_trace.apiCalls, EventKind::ApiCall, [](std::uint32_t) { return true; }))
            processes[Trace::processOf(tid)].api[tid] = std::move(spans);
        for (auto& [pid, spans] : processes) {
            const auto name = m_trace.processNames.find(pid);
            const TrackId group = addGroup({}, fmt::format("{} ({})", name == m_trace.processNames.end() ? "Process" : name->second, Trace::pidOf(pid)));
            std::set<std::uint64_t> threads;
            for (const auto& entry : spans.nvtx)
                threads.insert(entry.first);
            for (const auto& entry : spans.api)
                threads.insert(entry.first);
            for (const std::uint64_t tid : threads)
                addThread(group, tid, spans);
            addSpans(group, TrackKind::NvtxAsync, "NVTX start/end ranges", 0, std::move(spans.async));
        }
    }

    void addThread(TrackId process, std::uint64_t tid, ProcessSpans& spans)
    {
        // The thread's ranges are the thread's row, and its calls lie below: a header of its own would only push them apart.
        const bool hasRanges = !spans.nvtx[tid].empty();
        TrackId parent = process;
        if (hasRanges)
            parent = addSpans(process, TrackKind::NvtxThread, threadName(tid), tid, std::move(spans.nvtx[tid]), "NVTX");
        addSpans(parent, TrackKind::ThreadApi, hasRanges ? "CUDA API" : threadName(tid), tid, std::move(spans.api[tid]), hasRanges ? "" : "CUDA API");
    }

    TrackId addSpans(TrackId parent, TrackKind kind, std::string name, std::uint64_t tid, std::vector<LooseSpan> spans, std::string detail = {})
    {
        if (spans.empty())
            return {};
        Track track;
        track.kind = kind;
        track.parent = parent;
        track.name = std::move(name);
        track.detail = std::move(detail);
        track.globalTid = tid;
        track.rows = nestSpans(std::move(spans));
        return add(std::move(track));
    }

    void addCounters(std::vector<Track> counters)
    {
        // Idle models have a dozen metrics each that say nothing: apart, so that they can be folded together.
        const auto idle = std::stable_partition(counters.begin(), counters.end(), [](const Track& track) {
            return std::any_of(track.counter.value.begin(), track.counter.value.end(), [](double value) { return value != 0; });
        });
        addCounterGroup("Metrics", counters.begin(), idle);
        addCounterGroup("Metrics that stay at 0", idle, counters.end());
    }

    void addCounterGroup(const char* name, std::vector<Track>::iterator first, std::vector<Track>::iterator last)
    {
        if (first == last)
            return;
        const TrackId group = addGroup({}, name);
        for (; first != last; ++first) {
            first->kind = TrackKind::Counter;
            first->parent = group;
            add(std::move(*first));
        }
    }

    Trace& m_trace;
};

void cover(TimeRange& range, bool& any, TimestampNs start, TimestampNs end)
{
    range = any ? TimeRange{std::min(range.start, start), std::max(range.end, end)} : TimeRange{start, end};
    any = true;
}

} // namespace

void buildTracks(Trace& trace, std::vector<Track> counters, TimeRange window)
{
    bool any = !window.isEmpty();
    TimeRange range = window;
    for (int kind = 0; kind < kEventKindCount; ++kind) {
        const EventColumns& columns = trace.columns(static_cast<EventKind>(kind));
        if (columns.size() > 0)
            cover(range, any, columns.start.front(), *std::max_element(columns.end.begin(), columns.end.end()));
    }
    for (const Track& counter : counters)
        if (!counter.counter.time.empty())
            cover(range, any, counter.counter.time.front(), counter.counter.time.back());
    trace.time = range;
    TrackBuilder(trace).build(std::move(counters));
}

} // namespace gantry::trace
