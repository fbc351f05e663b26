#include "trace_model/exporting/chrome_json.h"

#include "trace_model/exporting/chrome_records.h"
#include "trace_model/exporting/json_events.h"
#include "trace_model/exporting/launch_flows.h"
#include "trace_model/exporting/nesting_lanes.h"
#include "trace_model/exporting/text_output.h"
#include "trace_model/import/chrome_categories.h"
#include "trace_model/import/kernel_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace gantry::exporting {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

// Numbers of processes and threads that exist in the trace alone. Linux's own are below 2^22.
constexpr std::int64_t kFirstGpuPid = 1'000'000'000;
constexpr std::int64_t kRequestsPid = 2'000'000'000;
constexpr std::int64_t kCountersPid = 2'000'000'001;
constexpr std::int64_t kFirstOtherPid = 2'000'000'002; ///< processes without a pid, or with that of another machine's
constexpr std::int64_t kFirstOtherTid = 1'000'000'000;

constexpr std::uint32_t kNoStream = 0xFFFFFFFF; ///< of a wait for a whole context

/// The category of a range or mark: its domain, which is what a category is, unless that would be taken for something else.
std::string categoryOf(std::string_view domain)
{
    using importing::CategoryKind;
    if (domain.empty())
        return std::string(importing::kNvtxCategory);
    const CategoryKind kind = importing::categoryKind(domain);
    const bool isOfRanges =
        kind == CategoryKind::Other || kind == CategoryKind::HostRange || kind == CategoryKind::Memory || kind == CategoryKind::Trace;
    const bool isPlain = isOfRanges && domain != importing::kNvtxCategory && !domain.starts_with(importing::kNvtxPrefix);
    return isPlain ? std::string(domain) : std::string(importing::kNvtxPrefix) + std::string(domain);
}

/// As CUPTI spells it.
std::string_view memoryName(trace::MemoryKind kind)
{
    switch (kind) {
    case trace::MemoryKind::DeviceStatic:
        return "Device Static";
    case trace::MemoryKind::ManagedStatic:
        return "Managed Static";
    default:
        return name(kind);
    }
}

std::string_view syncName(trace::SyncType type)
{
    switch (type) {
    case trace::SyncType::EventSync:
        return "Event Sync";
    case trace::SyncType::StreamWaitEvent:
        return "Stream Wait Event";
    case trace::SyncType::StreamSync:
        return "Stream Sync";
    case trace::SyncType::ContextSync:
        return "Context Sync";
    case trace::SyncType::Unknown:
        break;
    }
    return "Unknown Sync";
}

class ChromeJson
{
public:
    ChromeJson(const Trace& trace, TextOutput& out) : m_trace(trace), m_out(out), m_events(out, trace.time.start) {}

    void write()
    {
        writeHeader();
        collectWork();
        const auto place = [this](std::uint64_t globalTid) { return placeOf(globalTid); };
        if (writeHosts() && writeGpus() && writeRequests() && ChromeRecords(m_trace, m_events, {kRequestsPid, 0}, place).write())
            writeCounters();
        m_out << "\n]\n}\n";
    }

private:
    /// Ids of events, each kind in the order of its starts.
    using Events = std::vector<EventId>;

    struct ThreadEvents
    {
        Events nested; ///< ranges, calls and overhead
        Events marks;
    };

    struct StreamKey
    {
        std::uint32_t device;
        std::uint64_t process;
        std::uint32_t context, stream;
        auto operator<=>(const StreamKey&) const = default;
    };

    /// What overlaps on a stream by its nature has a row of the viewer each.
    enum StreamRow
    {
        Work,
        Waits,
        Ranges,
        StreamRowCount
    };

    struct StreamEvents
    {
        std::array<Events, StreamRowCount> rows;
    };

    static StreamRow rowOf(EventKind kind)
    {
        return kind == EventKind::Synchronization ? Waits : kind == EventKind::GpuRange ? Ranges : Work;
    }

    /// Rows of one viewer's thread that did not nest get further ones.
    class Rows
    {
    public:
        Rows(ChromeJson& writer, EventPlace first, std::string name) : m_writer(writer), m_places{first}, m_name(std::move(name)) {}

        EventPlace placeFor(TimeRange time)
        {
            const std::size_t lane = m_lanes.place(time);
            if (lane == m_places.size()) {
                const EventPlace place{m_places.front().process, m_writer.m_nextOtherTid++};
                m_writer.nameThread(place, fmt::format("{} ({})", m_name, lane + 1));
                m_places.push_back(place);
            }
            return m_places[lane];
        }

    private:
        ChromeJson& m_writer;
        NestingLanes m_lanes;
        std::vector<EventPlace> m_places;
        std::string m_name;
    };

    void writeHeader()
    {
        const trace::TraceMeta& meta = m_trace.meta;
        const auto line = [&](std::string_view key, std::string_view value) {
            m_out << ",\n\"" << key << "\": ";
            m_events.string(value);
        };
        m_out << "{\n\"displayTimeUnit\": \"ns\"";
        line("exportedBy", "Gantry " GANTRY_VERSION);
        line("producer", meta.producer);
        line("traceName", meta.title);
        if (meta.sessionUtcNs != 0)
            line("traceStartUnixNs", std::to_string(meta.sessionUtcNs + m_trace.time.start));
        m_out << ",\n\"deviceProperties\": [";
        for (std::size_t i = 0; i < meta.gpus.size(); ++i) {
            m_out << (i == 0 ? "{\"id\": " : ", {\"id\": ") << meta.gpus[i].device << ", \"name\": ";
            m_events.string(meta.gpus[i].name);
            m_out << ", \"uuid\": ";
            m_events.string(meta.gpus[i].uuid);
            m_out << '}';
        }
        m_out << "],\n\"traceEvents\": [";
    }

    // Names of processes and threads.

    void nameProcess(std::int64_t pid, std::string_view name, std::string_view label)
    {
        const std::pair<std::string_view, std::pair<std::string_view, std::string_view>> kRows[] = {{"process_name", {"name", name}},
                                                                                                    {"process_labels", {"labels", label}}};
        for (const auto& [what, argument] : kRows) {
            if (argument.second.empty())
                continue;
            m_events.beginMetadata(what, {pid, 0});
            m_events.argument(argument.first, argument.second);
            (void)m_events.end();
        }
        m_events.beginMetadata("process_sort_index", {pid, 0});
        m_events.argument("sort_index", m_nextSortIndex++);
        (void)m_events.end();
    }

    void nameThread(EventPlace place, std::string_view name)
    {
        m_events.beginMetadata("thread_name", place);
        m_events.argument("name", name);
        (void)m_events.end();
        m_events.beginMetadata("thread_sort_index", place);
        m_events.argument("sort_index", m_nextSortIndex++);
        (void)m_events.end();
    }

    /// Its own pid, unless that is none or another process has it.
    std::int64_t pidOf(std::uint64_t globalPid)
    {
        const auto [found, isNew] = m_pids.try_emplace(globalPid, static_cast<std::int64_t>(Trace::pidOf(globalPid)));
        if (isNew && (found->second == 0 || !m_takenPids.insert(found->second).second))
            found->second = m_nextOtherPid++;
        return found->second;
    }

    EventPlace placeOf(std::uint64_t globalTid)
    {
        return {pidOf(Trace::processOf(globalTid)), static_cast<std::int64_t>(Trace::tidOf(globalTid))};
    }

    std::string_view text(trace::StringId id) const { return m_trace.strings[id]; }

    /// Ranges of different kinds of a thread, outer ones first.
    void sortOuterFirst(Events& events) const
    {
        const auto isBefore = [&](EventId a, EventId b) {
            const TimeRange x = m_trace.timeOf(a), y = m_trace.timeOf(b);
            return std::tuple(x.start, y.end, a.kind() != EventKind::NvtxRange) <
                   std::tuple(y.start, x.end, b.kind() != EventKind::NvtxRange);
        };
        if (!std::is_sorted(events.begin(), events.end(), isBefore))
            std::stable_sort(events.begin(), events.end(), isBefore);
    }

    // Device work.

    template <typename Columns>
    void collect(const Columns& columns, EventKind kind)
    {
        StreamEvents* events = nullptr;
        StreamKey last{};
        for (std::uint32_t row = 0; row < columns.size(); ++row) {
            const StreamKey key{columns.device(row), columns.globalPid(row), columns.context(row), columns.stream(row)};
            if (!events || key != last)
                events = &m_streams[last = key];
            const EventId event(kind, row);
            events->rows[rowOf(kind)].push_back(event);
            m_flows.add(columns.globalPid(row), columns.correlation[row], event);
        }
    }

    void collectWork()
    {
        collect(m_trace.kernels, EventKind::Kernel);
        collect(m_trace.memcpys, EventKind::Memcpy);
        collect(m_trace.memsets, EventKind::Memset);
        collect(m_trace.graphLaunches, EventKind::GraphLaunch);
        collect(m_trace.synchronizations, EventKind::Synchronization);
        collect(m_trace.gpuRanges, EventKind::GpuRange);
        m_flows.finishAdding();
        std::set<std::uint64_t> processes;
        for (const auto& [key, events] : m_streams)
            processes.insert(key.process);
        m_hasSeveralProcesses = processes.size() > 1;
        std::set<std::uint64_t> callers;
        for (const trace::CallColumns* calls : {&m_trace.apiCalls, &m_trace.libraryCalls})
            for (const std::uint64_t thread : calls->threads.values())
                callers.insert(Trace::processOf(thread));
        m_tellsProcess = callers.size() != 1 || callers != processes;
    }

    [[nodiscard]] bool writeGpus()
    {
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::int64_t> gpus; // device and process
        std::set<std::pair<std::int64_t, std::int64_t>> takenTids;
        for (auto& [key, events] : m_streams) {
            const auto [gpu, isNew] = gpus.try_emplace({key.device, key.process}, kFirstGpuPid + static_cast<std::int64_t>(gpus.size()));
            if (isNew)
                nameGpu(gpu->second, key.device, key.process);
            const std::string stream = key.stream == kNoStream ? std::string("context") : streamName(key);
            const std::array<std::string, StreamRowCount> names = {stream, stream + " (sync)", stream + " (ranges)"};
            for (std::size_t row = 0; row < names.size(); ++row) {
                if (events.rows[row].empty())
                    continue;
                EventPlace place{gpu->second, key.stream};
                if (row != Work || !takenTids.emplace(place.process, place.thread).second) // another context has a stream of that number
                    place.thread = m_nextOtherTid++;
                nameThread(place, names[row]);
                if (!writeWork(events.rows[row], Rows(*this, place, names[row])))
                    return false;
            }
        }
        return true;
    }

    std::string streamName(const StreamKey& key) const
    {
        const std::string* known = m_trace.streamName(key.process, key.device, key.context, key.stream);
        return known ? *known : fmt::format("stream {}", key.stream);
    }

    void nameGpu(std::int64_t pid, std::uint32_t device, std::uint64_t process)
    {
        std::string name = fmt::format("GPU {}", device);
        for (const trace::GpuInfo& gpu : m_trace.meta.gpus)
            if (gpu.device == device)
                name += " · " + gpu.name;
        if (m_hasSeveralProcesses)
            name += fmt::format(" · process {}", Trace::pidOf(process));
        nameProcess(pid, name, fmt::format("GPU {}", device));
    }

    [[nodiscard]] bool writeWork(Events& events, Rows rows)
    {
        sortOuterFirst(events);
        for (const EventId event : events) {
            const TimeRange time = m_trace.timeOf(event);
            const EventPlace place = rows.placeFor(time);
            std::uint64_t flow = 0;
            switch (event.kind()) {
            case EventKind::Kernel:
                flow = writeKernel(event, time, place);
                break;
            case EventKind::Memcpy:
                flow = writeMemcpy(event, time, place);
                break;
            case EventKind::Memset:
                flow = writeMemset(event, time, place);
                break;
            case EventKind::GraphLaunch:
                flow = writeGraphLaunch(event, time, place);
                break;
            case EventKind::GpuRange:
                flow = writeGpuRange(event, time, place);
                break;
            default:
                flow = writeWait(event, time, place);
                break;
            }
            if (!m_events.end())
                return false;
            if (flow != 0)
                m_events.flowEnd(flow, place, time.start);
        }
        return true;
    }

    /// The arguments that all device work has. Returns the flow that ends there.
    std::uint64_t placeArguments(const trace::GpuEventColumns& columns, EventId event)
    {
        const std::uint32_t row = event.row();
        const trace::GpuPlace& place = columns.place(row);
        m_events.argument("device", place.device);
        m_events.argument("context", place.context);
        m_events.argument("stream", place.stream == kNoStream ? -1 : static_cast<std::int64_t>(place.stream));
        if (columns.correlation[row] != 0)
            m_events.argument("correlation", columns.correlation[row]);
        if (m_tellsProcess && place.globalPid != 0)
            m_events.argument("process", pidOf(place.globalPid));
        return m_flows.flowTo(place.globalPid, columns.correlation[row], event);
    }

    std::uint64_t writeKernel(EventId event, TimeRange time, EventPlace place)
    {
        const trace::KernelColumns& kernels = m_trace.kernels;
        const std::uint32_t row = event.row();
        m_events.beginSlice("kernel", text(kernels.demangledName(row)), place, time);
        const std::uint64_t flow = placeArguments(kernels, event);
        if (text(kernels.shortName(row)) != importing::shortKernelName(text(kernels.demangledName(row))))
            m_events.argument("short name", text(kernels.shortName(row)));
        const trace::LaunchShape& shape = kernels.shape(row);
        m_events.argument("registers per thread", shape.registersPerThread);
        m_events.argument("shared memory", std::uint64_t{shape.staticSharedMemory} + shape.dynamicSharedMemory);
        m_events.argument("static shared memory", shape.staticSharedMemory);
        m_events.argument("grid", shape.grid);
        m_events.argument("block", shape.block);
        if (kernels.graphNode[row] != 0)
            m_events.argument("graph node id", kernels.graphNode[row]);
        return flow;
    }

    std::uint64_t writeMemcpy(EventId event, TimeRange time, EventPlace place)
    {
        const trace::MemcpyColumns& memcpys = m_trace.memcpys;
        const trace::CopyRoute route = memcpys.route[event.row()];
        m_events.beginSlice("gpu_memcpy",
                            fmt::format("Memcpy {} ({} -> {})", name(route.kind), memoryName(route.source), memoryName(route.destination)),
                            place, time);
        const std::uint64_t flow = placeArguments(memcpys, event);
        m_events.argument("bytes", memcpys.bytes[event.row()]);
        return flow;
    }

    std::uint64_t writeMemset(EventId event, TimeRange time, EventPlace place)
    {
        const trace::MemsetColumns& memsets = m_trace.memsets;
        const std::uint32_t row = event.row();
        m_events.beginSlice("gpu_memset", fmt::format("Memset ({})", memoryName(memsets.memoryKind[row])), place, time);
        const std::uint64_t flow = placeArguments(memsets, event);
        m_events.argument("bytes", memsets.bytes[row]);
        m_events.argument("value", memsets.value[row]);
        return flow;
    }

    std::uint64_t writeGraphLaunch(EventId event, TimeRange time, EventPlace place)
    {
        const std::uint32_t graph = m_trace.graphLaunches.graph[event.row()];
        m_events.beginSlice("cuda_graph", fmt::format("CUDA graph {}", graph), place, time);
        const std::uint64_t flow = placeArguments(m_trace.graphLaunches, event);
        m_events.argument("graph id", graph);
        return flow;
    }

    std::uint64_t writeGpuRange(EventId event, TimeRange time, EventPlace place)
    {
        m_events.beginSlice("gpu_user_annotation", text(m_trace.gpuRanges.text[event.row()]), place, time);
        return placeArguments(m_trace.gpuRanges, event);
    }

    std::uint64_t writeWait(EventId event, TimeRange time, EventPlace place)
    {
        const trace::SynchronizationColumns& waits = m_trace.synchronizations;
        const std::string_view kind = syncName(waits.type[event.row()]);
        m_events.beginSlice("cuda_sync", kind, place, time);
        const std::uint64_t flow = placeArguments(waits, event);
        m_events.argument("cuda_sync_kind", kind);
        return flow;
    }

    // Host processes.

    [[nodiscard]] bool writeHosts()
    {
        std::map<std::uint64_t, ThreadEvents> threads;
        const auto collectThreads = [&](const auto& columns, EventKind kind, auto place) {
            for (std::uint32_t row = 0; row < columns.size(); ++row)
                place(columns.globalTid(row), row).push_back(EventId(kind, row));
        };
        Events ofAsyncs; // which are written elsewhere
        collectThreads(m_trace.nvtxRanges, EventKind::NvtxRange, [&](std::uint64_t tid, std::uint32_t row) -> Events& {
            return m_trace.nvtxRanges.isStartEnd(row) ? ofAsyncs : threads[tid].nested;
        });
        ofAsyncs = {};
        const auto nested = [&](std::uint64_t tid, std::uint32_t) -> Events& { return threads[tid].nested; };
        collectThreads(m_trace.apiCalls, EventKind::ApiCall, nested);
        collectThreads(m_trace.libraryCalls, EventKind::LibraryCall, nested);
        collectThreads(m_trace.osCalls, EventKind::OsCall, nested);
        collectThreads(m_trace.overheads, EventKind::Overhead, nested);
        collectThreads(m_trace.nvtxMarks, EventKind::NvtxMark,
                       [&](std::uint64_t tid, std::uint32_t) -> Events& { return threads[tid].marks; });
        for (const auto& [tid, name] : m_trace.threadNames)
            threads[tid];
        std::set<std::uint64_t> processes;
        for (const auto& [pid, name] : m_trace.processNames)
            processes.insert(pid);
        for (const auto& [tid, events] : threads)
            processes.insert(Trace::processOf(tid));
        for (const std::uint64_t tid : m_trace.nvtxRanges.threads.values())
            processes.insert(Trace::processOf(tid));
        for (const std::uint64_t process : processes) {
            const auto name = m_trace.processNames.find(process);
            nameProcess(pidOf(process), name == m_trace.processNames.end() ? fmt::format("Process {}", pidOf(process)) : name->second,
                        "CPU");
            for (auto thread = threads.lower_bound(process); thread != threads.end() && Trace::processOf(thread->first) == process;
                 ++thread)
                if (!writeThread(thread->first, thread->second))
                    return false;
        }
        return writeAsyncs();
    }

    [[nodiscard]] bool writeThread(std::uint64_t globalTid, ThreadEvents& events)
    {
        const EventPlace place = placeOf(globalTid);
        const auto known = m_trace.threadNames.find(globalTid);
        const std::string name = known == m_trace.threadNames.end() ? fmt::format("thread {}", place.thread) : known->second;
        nameThread(place, name);
        sortOuterFirst(events.nested);
        Rows rows(*this, place, name);
        for (const EventId event : events.nested) {
            const TimeRange time = m_trace.timeOf(event);
            if (!writeHostSlice(event, time, rows.placeFor(time)))
                return false;
        }
        for (const EventId event : events.marks)
            if (!writeMark(event, place))
                return false;
        return true;
    }

    /// Ranges that may overlap anything.
    [[nodiscard]] bool writeAsyncs()
    {
        const trace::NvtxColumns& ranges = m_trace.nvtxRanges;
        for (std::uint32_t row = 0; row < ranges.size(); ++row) {
            if (!ranges.isStartEnd(row))
                continue;
            const EventPlace place = placeOf(ranges.globalTid(row));
            const std::string category = categoryOf(text(ranges.domain(row)));
            const std::string_view name = text(ranges.text(row));
            const std::uint64_t id = std::uint64_t{row} + 1;
            m_events.beginAsync(category, name, place, ranges.start[row], id);
            rangeArguments(ranges, row);
            if (!m_events.end())
                return false;
            if (!ranges.isOpen(row))
                m_events.endAsync(category, name, place, ranges.end(row), id);
        }
        return true;
    }

    [[nodiscard]] bool writeHostSlice(EventId event, TimeRange time, EventPlace place)
    {
        const std::uint32_t row = event.row();
        if (event.kind() == EventKind::Overhead) {
            m_events.beginSlice("overhead", text(m_trace.overheads.name[row]), place, time);
            return m_events.end();
        }
        if (event.kind() == EventKind::NvtxRange) {
            const trace::NvtxColumns& ranges = m_trace.nvtxRanges;
            const std::string category = categoryOf(text(ranges.domain(row)));
            if (ranges.isOpen(row))
                m_events.beginOpenSlice(category, text(ranges.text(row)), place, time.start);
            else
                m_events.beginSlice(category, text(ranges.text(row)), place, time);
            rangeArguments(ranges, row);
            return m_events.end();
        }
        return writeCall(event, time, place);
    }

    [[nodiscard]] bool writeCall(EventId event, TimeRange time, EventPlace place)
    {
        const std::uint32_t row = event.row();
        const trace::CallColumns& calls = event.kind() == EventKind::OsCall        ? m_trace.osCalls
                                          : event.kind() == EventKind::LibraryCall ? m_trace.libraryCalls
                                                                                   : m_trace.apiCalls;
        const std::string_view category = event.kind() == EventKind::OsCall        ? "os_call"
                                          : event.kind() == EventKind::LibraryCall ? "library_call"
                                          : calls.isDriver(row)                    ? "cuda_driver"
                                                                                   : "cuda_runtime";
        m_events.beginSlice(category, text(calls.name(row)), place, time);
        const std::uint32_t correlation = calls.correlation[row];
        if (correlation != 0)
            m_events.argument("correlation", correlation);
        if (const std::int32_t value = calls.callee(row).returnValue; value != 0)
            m_events.argument("return value", value);
        if (!m_events.end())
            return false;
        m_flows.claim(Trace::processOf(calls.globalTid(row)), correlation,
                      [&](std::uint64_t flow) { m_events.flowStart(flow, place, time.start); });
        return true;
    }

    void rangeArguments(const trace::NvtxColumns& columns, std::uint32_t row)
    {
        const trace::NvtxLabel& label = columns.label(row);
        if (label.category != 0)
            m_events.argument("nvtx category", label.category);
        if (label.color != 0)
            m_events.argument("nvtx color", label.color);
        if (const auto json = columns.payloadText(row))
            m_events.argument("nvtx payload", text(*json));
        if (const auto payload = columns.payload(row))
            m_events.argument("nvtx payload", static_cast<std::int64_t>(*payload)); // readers of JSON have no larger numbers
    }

    [[nodiscard]] bool writeMark(EventId event, EventPlace place)
    {
        const trace::NvtxColumns& marks = m_trace.nvtxMarks;
        m_events.beginInstant(categoryOf(text(marks.domain(event.row()))), text(marks.text(event.row())), place,
                              m_trace.timeOf(event).start);
        rangeArguments(marks, event.row());
        return m_events.end();
    }

    // Requests, each with its phases inside, in as many rows as there are requests of a model at a time; below them the batches.

    [[nodiscard]] bool writeRequests()
    {
        if (m_trace.requests.empty() && m_trace.executions.empty())
            return true;
        nameProcess(kRequestsPid, "Requests", {});
        std::map<std::string, std::vector<const trace::Request*>> models;
        for (const trace::Request& request : m_trace.requests)
            models[modelName(request.model, request.version)].push_back(&request);
        for (const auto& [model, requests] : models) {
            std::vector<std::pair<TimestampNs, EventPlace>> lanes; // when each is free
            for (const trace::Request* request : requests) {
                auto lane =
                    std::find_if(lanes.begin(), lanes.end(), [&](const auto& candidate) { return candidate.first <= request->time.start; });
                if (lane == lanes.end()) {
                    lane = lanes.insert(lane, {0, {kRequestsPid, m_nextOtherTid++}});
                    nameThread(lane->second, lanes.size() == 1 ? model : fmt::format("{} ({})", model, lanes.size()));
                }
                lane->first = std::max(request->time.end, request->time.start + 1); // the next instant has a row of its own
                if (!writeRequest(*request, model, lane->second))
                    return false;
            }
        }
        std::map<std::uint64_t, std::vector<const trace::Execution*>> instances;
        for (const trace::Execution& execution : m_trace.executions)
            instances[execution.globalTid].push_back(&execution);
        for (const auto& [tid, executions] : instances) {
            const EventPlace place{kRequestsPid, m_nextOtherTid++};
            const std::string name = fmt::format("{} executions", text(executions.front()->instance));
            nameThread(place, name);
            Rows rows(*this, place, name);
            for (const trace::Execution* execution : executions)
                if (!writeExecution(*execution, rows.placeFor(execution->time)))
                    return false;
        }
        return true;
    }

    std::string modelName(trace::StringId model, trace::StringId version) const
    {
        return text(version).empty() ? std::string(text(model)) : fmt::format("{}:{}", text(model), text(version));
    }

    [[nodiscard]] bool writeRequest(const trace::Request& request, const std::string& model, EventPlace place)
    {
        m_events.beginSlice("gantry_request", fmt::format("request {}", request.id), place, request.time);
        m_events.argument("model", model);
        if (!text(request.clientId).empty())
            m_events.argument("client id", text(request.clientId));
        if (!request.execution.isNone())
            m_events.argument("batch", m_trace.executions[request.execution.value].batchId);
        if (request.failed)
            m_events.argument("failed", "true");
        if (request.cutByWindow)
            m_events.argument("cut by the window", "true");
        if (!m_events.end())
            return false;
        TimestampNs covered = request.time.start;
        for (std::size_t phase = 0; phase < request.phases.size(); ++phase) {
            if (!request.phases[phase])
                continue;
            // A server that says otherwise contradicts itself; what is drawn must nest.
            const TimeRange time = request.phases[phase]->clippedTo({covered, std::max(covered, request.time.end)});
            covered = time.end;
            m_events.beginSlice("gantry_request_phase", name(static_cast<records::RequestPhase>(phase)), place, time);
            m_events.argument("request", request.id);
            if (!m_events.end())
                return false;
        }
        return true;
    }

    [[nodiscard]] bool writeExecution(const trace::Execution& execution, EventPlace place)
    {
        m_events.beginSlice("gantry_execution", fmt::format("batch {}", execution.batchId), place, execution.time);
        m_events.argument("model", modelName(execution.model, execution.version));
        m_events.argument("instance", text(execution.instance));
        if (execution.memberCount > 0) // else none is known
            m_events.argument("requests", execution.memberCount);
        return m_events.end();
    }

    void writeCounters()
    {
        bool isNamed = false;
        for (const trace::Track& track : m_trace.tracks) {
            if (track.kind != trace::TrackKind::Counter || track.counter.isDerived)
                continue;
            if (!std::exchange(isNamed, true))
                nameProcess(kCountersPid, "Metrics", {});
            const std::string_view unit = track.counter.unit.empty() ? std::string_view("value") : std::string_view(track.counter.unit);
            for (std::size_t i = 0; i < track.counter.time.size(); ++i) {
                if (!std::isfinite(track.counter.value[i]))
                    continue;
                m_events.beginCounter(track.name, {kCountersPid, 0}, track.counter.time[i]);
                m_events.argument(unit, track.counter.value[i]);
                if (!m_events.end())
                    return;
            }
        }
    }

    const Trace& m_trace;
    TextOutput& m_out;
    JsonEvents m_events;
    LaunchFlows m_flows;
    std::map<StreamKey, StreamEvents> m_streams;
    bool m_hasSeveralProcesses = false;           ///< that launched GPU work
    bool m_tellsProcess = false;                  ///< with each work, as the calls do not tell which launched it
    std::map<std::uint64_t, std::int64_t> m_pids; ///< by globalPid
    std::set<std::int64_t> m_takenPids;
    std::int64_t m_nextOtherPid = kFirstOtherPid, m_nextOtherTid = kFirstOtherTid;
    int m_nextSortIndex = 0;
};

std::uint64_t stepCount(const Trace& trace)
{
    std::uint64_t count = trace.eventCount() + 2 * (trace.executions.size() + trace.requests.size()); // a slice and a record each
    for (const trace::Track& track : trace.tracks)
        count += track.counter.time.size();
    return count;
}

} // namespace

Result<void> writeChromeJson(const Trace& trace, const std::filesystem::path& path, const ExportOptions& options)
{
    if (stepCount(trace) == 0)
        return Error{
            ErrorCode::BadInput, "a Chrome trace holds events with times, and this file has none: convert it to csv or sqlite", {}};
    GANTRY_TRY(TextOutput out, TextOutput::create(path, options, stepCount(trace)));
    ChromeJson(trace, out).write();
    return out.finish();
}

} // namespace gantry::exporting
