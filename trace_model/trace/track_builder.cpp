#include "trace_model/trace/track_builder.h"

#include "trace_model/base/parallel.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/trace/span_nesting.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <tuple>

namespace gantry::trace {
namespace {

// ---- rows, event by event ----

/// What ran in one context: its streams, and all of them together.
struct ContextRows
{
    RowBuilder all, ranges;
    std::map<std::uint32_t, RowBuilder> streams;
};

struct ContextKey
{
    std::uint32_t file, device, context;
    std::uint64_t process;
    auto operator<=>(const ContextKey&) const = default;
};

using Contexts = std::map<ContextKey, ContextRows>;

ContextRows& contextOf(Contexts& contexts, const GpuPlace& place)
{
    return contexts[{Trace::fileOf(place.globalPid), place.device, place.context, place.globalPid}];
}

/// Walks one kind of GPU work in order, knowing for each of its places the rows that it belongs to.
class WorkCursor
{
public:
    WorkCursor(const GpuEventColumns& columns, EventKind kind, Contexts& contexts) : m_columns(columns), m_kind(kind)
    {
        for (const GpuPlace& place : columns.places.values()) {
            ContextRows& context = contextOf(contexts, place);
            m_targets.emplace_back(&context, &context.streams[place.stream]);
        }
        read();
    }
    [[nodiscard]] bool isAtEnd() const { return m_row == m_columns.size(); }
    [[nodiscard]] bool isBefore(const WorkCursor& other) const
    {
        return m_span.start != other.m_span.start ? m_span.start < other.m_span.start : m_span.end > other.m_span.end;
    }
    void place()
    {
        const auto& [context, stream] = m_targets[m_columns.placeNumber[m_row]];
        stream->nestInStream(m_span);
        context->all.nest(m_span);
        ++m_row;
        read();
    }

private:
    void read()
    {
        if (!isAtEnd())
            m_span = {m_columns.start[m_row], m_columns.end(m_row), EventId(m_kind, static_cast<std::uint32_t>(m_row))};
    }

    const GpuEventColumns& m_columns;
    EventKind m_kind;
    std::vector<std::pair<ContextRows*, RowBuilder*>> m_targets; ///< by place
    std::size_t m_row = 0;
    LooseSpan m_span;
};

Contexts gpuRows(const Trace& trace)
{
    Contexts contexts;
    std::vector<WorkCursor> cursors;
    cursors.emplace_back(trace.kernels, EventKind::Kernel, contexts);
    cursors.emplace_back(trace.memcpys, EventKind::Memcpy, contexts);
    cursors.emplace_back(trace.memsets, EventKind::Memset, contexts);
    cursors.emplace_back(trace.graphLaunches, EventKind::GraphLaunch, contexts);
    while (true) {
        WorkCursor* first = nullptr;
        for (WorkCursor& cursor : cursors)
            if (!cursor.isAtEnd() && (!first || cursor.isBefore(*first)))
                first = &cursor;
        if (!first)
            break;
        first->place();
    }
    for (std::uint32_t row = 0; row < trace.gpuRanges.size(); ++row)
        contextOf(contexts, trace.gpuRanges.place(row)).ranges.nest({trace.gpuRanges.start[row], trace.gpuRanges.end(row), EventId(EventKind::GpuRange, row)});
    return contexts;
}

struct ThreadRows
{
    RowBuilder ranges, api, libraries, os;
};

struct ProcessRows
{
    RowBuilder async;
    std::map<std::uint64_t, ThreadRows> threads;
};

/// The rows of what threads did, `choose(process, thread, row)` for each event.
template <typename Choose>
void takeThreads(std::map<std::uint64_t, ProcessRows>& processes, const ThreadEventColumns& columns, EventKind kind, Choose choose)
{
    std::vector<std::pair<ProcessRows*, ThreadRows*>> targets;
    for (const std::uint64_t tid : columns.threads.values()) {
        ProcessRows& process = processes[Trace::processOf(tid)];
        targets.emplace_back(&process, &process.threads[tid]);
    }
    for (std::uint32_t row = 0; row < columns.size(); ++row) {
        const auto& [process, thread] = targets[columns.threadNumber[row]];
        choose(*process, *thread, row).nest({columns.start[row], columns.end(row), EventId(kind, row)});
    }
}

std::map<std::uint64_t, ProcessRows> threadRows(const Trace& trace)
{
    std::map<std::uint64_t, ProcessRows> processes;
    takeThreads(processes, trace.nvtxRanges, EventKind::NvtxRange, [&](ProcessRows& process, ThreadRows& thread, std::uint32_t row) -> RowBuilder& {
        return trace.nvtxRanges.isStartEnd(row) ? process.async : thread.ranges;
    });
    takeThreads(processes, trace.apiCalls, EventKind::ApiCall, [](ProcessRows&, ThreadRows& thread, std::uint32_t) -> RowBuilder& { return thread.api; });
    takeThreads(processes, trace.libraryCalls, EventKind::LibraryCall, [](ProcessRows&, ThreadRows& thread, std::uint32_t) -> RowBuilder& { return thread.libraries; });
    takeThreads(processes, trace.osCalls, EventKind::OsCall, [](ProcessRows&, ThreadRows& thread, std::uint32_t) -> RowBuilder& { return thread.os; });
    return processes;
}

// ---- tracks, in display order ----

class TrackBuilder
{
public:
    explicit TrackBuilder(Trace& trace) : m_trace(trace) {}

    void build(Contexts contexts, std::map<std::uint64_t, ProcessRows> processes, std::vector<Track> counters)
    {
        addRequests();
        addGpus(std::move(contexts));
        addProcesses(std::move(processes));
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

    [[nodiscard]] std::string modelName(StringId model, StringId version) const
    {
        const std::string_view number = m_trace.strings[version];
        return std::string(m_trace.strings[model]) + (number.empty() ? "" : ":" + std::string(number));
    }

    [[nodiscard]] std::string busyShare(const RowBuilder& rows) const
    {
        const double share = m_trace.time.isEmpty() ? 0.0 : static_cast<double>(rows.busy()) / static_cast<double>(m_trace.time.duration());
        return fmt::format("{:.1f} % busy", share * 100);
    }

    void addRequests()
    {
        if (m_trace.requests.empty() && m_trace.executions.empty())
            return;
        std::vector<std::vector<LooseSpan>> phasesOf(m_trace.requests.size());
        for (std::uint32_t row = 0; row < m_trace.phases.size(); ++row)
            phasesOf[m_trace.phases.request[row].value].push_back({m_trace.phases.start[row], m_trace.phases.end(row), EventId(EventKind::Phase, row)});
        std::map<std::string, std::vector<std::vector<LooseSpan>>> groups;
        for (std::uint32_t i = 0; i < m_trace.requests.size(); ++i)
            if (!phasesOf[i].empty())
                groups[modelName(m_trace.requests[i].model, m_trace.requests[i].version)].push_back(std::move(phasesOf[i]));
        const TrackId top = addGroup({}, "Requests", fmt::format("{}", m_trace.requests.size()));
        for (auto& [model, requests] : groups) {
            std::stable_sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) { return a.front().start < b.front().start; });
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
        const StringId executeText = m_trace.strings.find(records::nvtx_convention::kExecute);
        if (m_trace.executions.empty() || executeText.isNone())
            return;
        std::map<std::pair<std::string, std::uint64_t>, RowBuilder> instances;
        std::set<std::uint64_t> threads;
        for (const Execution& execution : m_trace.executions)
            threads.insert(execution.globalTid);
        for (std::uint32_t row = 0; row < m_trace.nvtxRanges.size(); ++row) {
            if (m_trace.nvtxRanges.text(row) != executeText)
                continue;
            const std::uint64_t tid = m_trace.nvtxRanges.globalTid(row);
            if (threads.contains(tid))
                instances[{threadName(tid), tid}].nest({m_trace.nvtxRanges.start[row], m_trace.nvtxRanges.end(row), EventId(EventKind::NvtxRange, row)});
        }
        for (auto& [key, rows] : instances) {
            Track track;
            track.kind = TrackKind::Executions;
            track.parent = top;
            track.name = key.first;
            track.globalTid = key.second;
            track.detail = busyShare(rows);
            track.rows = rows.takeRows();
            add(std::move(track));
        }
    }

    void addGpus(Contexts contexts)
    {
        TrackId gpu;
        std::optional<std::pair<std::uint32_t, std::uint32_t>> last; // file and device
        for (auto& [key, rows] : contexts) {
            if (last != std::pair(key.file, key.device))
                gpu = addGroup({}, gpuName(key.file, key.device), fileName(key.file));
            last = {key.file, key.device};
            std::string name = fmt::format("Context {}", key.context);
            const auto process = m_trace.processNames.find(key.process);
            const std::uint32_t number = Trace::pidOf(key.process);
            if (process != m_trace.processNames.end())
                name += " · " + process->second;
            if (number < importing::kFirstMadeUpId)
                name += fmt::format("{}{}", process == m_trace.processNames.end() ? " · " : " ", number);
            addStreams(addGroup(gpu, std::move(name)), key, rows);
        }
    }

    /// "All streams" and one row for each stream of a context.
    void addStreams(TrackId parent, const ContextKey& key, ContextRows& context)
    {
        Track track;
        track.parent = parent;
        track.device = key.device;
        track.context = key.context;
        DurationNs total = 0;
        for (const auto& [stream, rows] : context.streams)
            total += rows.busy();
        if (context.streams.size() > 1) {
            track.kind = TrackKind::GpuAllStreams;
            track.name = "All streams";
            track.detail = busyShare(context.all);
            track.rows = context.all.takeRows();
            add(std::move(track));
        }
        for (auto& [stream, rows] : context.streams) {
            track = {};
            track.kind = TrackKind::GpuStream;
            track.parent = parent;
            track.device = key.device;
            track.context = key.context;
            track.stream = stream;
            const std::string* name = m_trace.streamName(key.process, key.device, key.context, stream);
            track.name = name ? *name : fmt::format("Stream {}", stream);
            track.detail = total > 0 ? fmt::format("{:.1f} %", 100.0 * static_cast<double>(rows.busy()) / static_cast<double>(total)) : std::string();
            track.rows = rows.takeRows();
            add(std::move(track));
        }
        if (!context.ranges.isEmpty()) {
            track = {};
            track.kind = TrackKind::GpuRanges;
            track.parent = parent;
            track.device = key.device;
            track.context = key.context;
            track.name = "Ranges on the GPU";
            track.rows = context.ranges.takeRows();
            add(std::move(track));
        }
    }

    /// Of one of several files; empty where there is but one.
    [[nodiscard]] std::string fileName(std::uint32_t file) const
    {
        return m_trace.imports.size() > 1 && file < m_trace.imports.size() ? m_trace.imports[file].file : std::string();
    }

    [[nodiscard]] std::string gpuName(std::uint32_t file, std::uint32_t device) const
    {
        for (const GpuInfo& gpu : m_trace.meta.gpus)
            if (gpu.device == device && (gpu.file == file || m_trace.imports.size() == 1))
                return fmt::format("GPU {} · {}", device, gpu.name);
        return fmt::format("GPU {}", device);
    }

    [[nodiscard]] std::string threadName(std::uint64_t globalTid) const
    {
        const auto found = m_trace.threadNames.find(globalTid);
        const std::string number = fmt::format("{}", Trace::tidOf(globalTid));
        if (found == m_trace.threadNames.end())
            return Trace::tidOf(globalTid) >= importing::kFirstMadeUpId ? "Thread" : "Thread " + number;
        // Some tools put the number into the name: "thread 604 (python3)".
        return found->second.find(number) == std::string::npos ? withNumber(found->second, Trace::tidOf(globalTid)) : found->second;
    }

    /// A name with a pid or tid, unless a reader made the number up: "server (4711)".
    [[nodiscard]] static std::string withNumber(const std::string& name, std::uint32_t number)
    {
        return number >= importing::kFirstMadeUpId ? name : fmt::format("{} ({})", name, number);
    }

    [[nodiscard]] std::string processName(std::uint64_t globalPid) const
    {
        const auto found = m_trace.processNames.find(globalPid);
        return withNumber(found == m_trace.processNames.end() ? "Process" : found->second, Trace::pidOf(globalPid));
    }

    void addProcesses(std::map<std::uint64_t, ProcessRows> processes)
    {
        for (auto& [pid, rows] : processes) {
            const TrackId group = addGroup({}, processName(pid), fileName(Trace::fileOf(pid)));
            for (auto& [tid, thread] : rows.threads)
                addThread(group, tid, thread);
            addSpans(group, TrackKind::NvtxAsync, "NVTX start/end ranges", 0, rows.async);
        }
    }

    void addThread(TrackId process, std::uint64_t tid, ThreadRows& thread)
    {
        // The thread's first row carries its name, and its others lie below: a header of its own would only push them apart.
        struct Part
        {
            TrackKind kind;
            RowBuilder& rows;
            const char* name;
        };
        TrackId first;
        for (const Part& part : {Part{TrackKind::NvtxThread, thread.ranges, "NVTX"}, Part{TrackKind::ThreadApi, thread.api, "CUDA API"},
                                 Part{TrackKind::ThreadLibrary, thread.libraries, "Libraries"}, Part{TrackKind::ThreadOs, thread.os, "OS runtime"}}) {
            if (part.rows.isEmpty())
                continue;
            if (first.isNone())
                first = addSpans(process, part.kind, threadName(tid), tid, part.rows, part.name);
            else
                addSpans(first, part.kind, part.name, tid, part.rows);
        }
    }

    TrackId addSpans(TrackId parent, TrackKind kind, std::string name, std::uint64_t tid, RowBuilder& rows, std::string detail = {})
    {
        if (rows.isEmpty())
            return {};
        Track track;
        track.kind = kind;
        track.parent = parent;
        track.name = std::move(name);
        track.detail = std::move(detail);
        track.globalTid = tid;
        track.rows = rows.takeRows();
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

} // namespace

void buildTracks(Trace& trace, std::vector<Track> counters)
{
    Contexts contexts;
    std::map<std::uint64_t, ProcessRows> processes;
    inParallel({[&] { contexts = gpuRows(trace); }, [&] { processes = threadRows(trace); }});
    TrackBuilder(trace).build(std::move(contexts), std::move(processes), std::move(counters));
}

} // namespace gantry::trace
