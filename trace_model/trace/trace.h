#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/import/import_report.h"
#include "trace_model/import/trace_meta.h"
#include "trace_model/trace/event_columns.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace gantry::trace {

using importing::GpuInfo;
using importing::TraceMeta;

/// One execution of a model instance: the batch that served its members together.
struct Execution
{
    std::uint64_t batchId = 0;
    StringId model, instance;
    StringId version;
    std::uint64_t globalTid = 0; ///< the instance's thread
    TimeRange time;
    std::uint32_t firstMember = 0, memberCount = 0; ///< in Trace::executionMembers
};

struct Request
{
    std::uint64_t id = 0; ///< as the server numbers it
    StringId clientId;    ///< as the client sent it, or none
    StringId model, version;
    TimeRange time;                        ///< start to end; end == trace end when it was still in flight
    std::optional<std::uint64_t> parentId; ///< id of the ensemble's request that this one is a step of
    ExecutionIndex execution;              ///< its last one; none: cache hit, failed early, or not executed in the window
    std::uint32_t firstEarlier = 0, earlierCount = 0; ///< in Trace::earlierExecutions, where it is batched in flight
    bool failed = false;
    bool cutByWindow = false; ///< start or end lies outside the window: not counted in percentiles
    std::array<std::optional<TimeRange>, records::kRequestPhaseCount> phases;

    /// Parts of `time` that lie in no phase, in order.
    [[nodiscard]] std::vector<TimeRange> outsidePhases() const;
};

enum class TrackKind : std::uint8_t
{
    Group,         ///< header only: node, process, GPU, context
    RequestLanes,  ///< requests packed without overlap, one depth a lane; events are EventKind::Phase
    ModelRequests, ///< the same of all versions of a model
    AllRequests,   ///< the same of all models
    Executions,    ///< an instance's executions
    GpuStream,     ///< kernels, memcpys, memsets of one stream
    GpuAllStreams, ///< the same of a whole context
    GpuMemory,     ///< memcpys of one route, or memsets, of one stream
    GpuSync,       ///< synchronizations of a context
    NvtxThread,    ///< push/pop ranges of one thread, an icicle
    NvtxAsync,     ///< start/end ranges of one process
    NvtxCategory,  ///< push/pop ranges of one category of a thread's domain
    NvtxMarks,     ///< marks of one thread: instants
    ThreadApi,     ///< CUDA API calls of one thread
    ThreadLibrary, ///< cuBLAS, cuDNN, ... calls of one thread
    ThreadOs,      ///< OS runtime calls of one thread
    GpuRanges,     ///< ranges as they were projected onto the work of a stream that they launched
    Counter,       ///< a metric
};

/// Where a span begins and ends between the start of its block and that of the next one, in 256ths.
struct SpanPlace
{
    std::uint8_t start = 0, end = 0;
};

/// Spans of one depth of a track: sorted by start, not overlapping. Their times are those of the events, but that a span which
/// reaches into the one before it begins where that one ends (see Trace::spanTime).
struct DepthRow
{
    static constexpr std::size_t kBlock = 8;

    Column<EventId> event;
    Column<TimestampNs> blockStart; ///< where every kBlock-th span begins: finding a time touches few cache lines
    Column<DurationNs> blockBusy;   ///< ns under all spans before every kBlock-th one
    Column<SpanPlace> place;        ///< where each span is in its block; the last block has none
    [[nodiscard]] std::size_t size() const { return event.size(); }
};

/// Samples of a counter track, sorted by time. Absent is absent: no sample, or NaN from where nothing is known on, never 0.
struct CounterColumns
{
    /// The smallest and the largest of a block of samples.
    struct Extremes
    {
        double min = 0, max = 0;
    };
    static constexpr std::size_t kBlock = 32; ///< samples in a block, and blocks in one of the next level

    Column<TimestampNs> time;
    Column<double> value;
    std::vector<Column<Extremes>> levels; ///< from blocks of samples up to few blocks
    Column<TimestampNs> blockTime;        ///< time of the first sample of each block
    std::string unit;
    bool isExact = false;   ///< each value holds until the next one, however late: a count of what goes on, not samples of it
    bool isDerived = false; ///< computed from the trace's events, or when a thread ran: no export has it
    std::string source;     ///< the series it is made of, as Prometheus writes it; empty: none, or the name says it
};

struct Track
{
    TrackKind kind = TrackKind::Group;
    TrackId parent;              ///< none: top level. Tracks are stored in display order, parents before children.
    std::string name;            ///< "Stream 22", "bert_base_0_1 (4711)"
    std::string detail;          ///< "25.5 %" of the context's busy time on a stream; empty when there is nothing to say
    std::vector<DepthRow> rows;  ///< spans by depth; empty for groups and counters
    CounterColumns counter;      ///< Counter tracks only
    std::uint64_t globalTid = 0; ///< thread tracks: pid << 24 | tid, as in the export
    std::uint32_t device = 0, context = 0, stream = 0; ///< GPU tracks
};

/// Bits of a process's or thread's key above which the number of its file is. Nsight Systems has the machine's number there.
inline constexpr int kFileShift = 56;

/// A loaded report: columns per event kind, tracks, strings, meta, losses. Built once by loadTrace(), then shared as
/// shared_ptr<const Trace>; any thread reads it without a lock.
struct Trace
{
    TraceMeta meta;
    std::string cacheKey; ///< what a TraceCache knows it by; empty: opened without one
    bool isFromCache = false;
    TimeRange time;   ///< covers every event, and every counter sample of the window
    TimeRange window; ///< that was recorded; empty: the file does not say
    StringTable strings;
    Losses losses;
    std::vector<importing::ImportReport> imports;   ///< one for each file it was read from
    std::vector<importing::SummaryTable> summaries; ///< what the files hold that has no times

    KernelColumns kernels;
    MemcpyColumns memcpys;
    MemsetColumns memsets;
    SynchronizationColumns synchronizations;
    CallColumns apiCalls;
    NvtxColumns nvtxRanges;
    NvtxColumns nvtxMarks;
    OverheadColumns overheads;
    PhaseColumns phases;
    GraphLaunchColumns graphLaunches;
    GpuRangeColumns gpuRanges;
    CallColumns libraryCalls;
    CallColumns osCalls;

    Column<Request> requests;     ///< sorted by start
    Column<Execution> executions; ///< sorted by start
    Column<RequestIndex> executionMembers;
    Column<ExecutionIndex> earlierExecutions; ///< of requests that took part in several
    std::vector<Track> tracks;                         ///< display order
    std::map<std::uint64_t, std::string> threadNames;  ///< by globalTid
    std::map<std::uint64_t, std::string> processNames; ///< by globalPid
    std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t>, std::string>
        streamNames; ///< by process, device, context, stream

    std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>, std::string> categoryNames; ///< by process, domain's StringId, number

    /// What the category of a range or mark is called in its process and domain; null: it has no name.
    [[nodiscard]] const std::string* categoryName(std::uint64_t globalTid, const NvtxLabel& label) const;
    /// The name of a stream, of that process or of whichever of its file; null: it has none.
    [[nodiscard]] const std::string* streamName(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context,
                                                std::uint32_t stream) const;

    /// Calls `visitor(columns)` with the columns of that kind, as their own type.
    template <typename Self, typename Visitor>
    static decltype(auto) visit(Self& self, EventKind kind, Visitor&& visitor)
    {
        switch (kind) {
        case EventKind::Kernel:
            return visitor(self.kernels);
        case EventKind::Memcpy:
            return visitor(self.memcpys);
        case EventKind::Memset:
            return visitor(self.memsets);
        case EventKind::Synchronization:
            return visitor(self.synchronizations);
        case EventKind::ApiCall:
            return visitor(self.apiCalls);
        case EventKind::NvtxRange:
            return visitor(self.nvtxRanges);
        case EventKind::NvtxMark:
            return visitor(self.nvtxMarks);
        case EventKind::Overhead:
            return visitor(self.overheads);
        case EventKind::Phase:
            return visitor(self.phases);
        case EventKind::GraphLaunch:
            return visitor(self.graphLaunches);
        case EventKind::GpuRange:
            return visitor(self.gpuRanges);
        case EventKind::LibraryCall:
            return visitor(self.libraryCalls);
        case EventKind::OsCall:
            return visitor(self.osCalls);
        }
        return visitor(self.kernels);
    }

    [[nodiscard]] const EventColumns& columns(EventKind kind) const
    {
        return visit(*this, kind, [](const EventColumns& columns) -> const EventColumns& { return columns; });
    }
    [[nodiscard]] std::size_t eventCount() const; ///< of all kinds, without what was projected
    [[nodiscard]] TimeRange timeOf(EventId event) const { return columns(event.kind()).time(event.row()); }
    /// Where a track draws its span `i`: from where the one before it ends, where they overlap.
    [[nodiscard]] TimeRange spanTime(const DepthRow& row, std::size_t i) const;
    /// Short name for a label: kernel short name, "Memcpy HtoD (Pageable)", API name, NVTX text, phase name.
    [[nodiscard]] std::string nameOf(EventId event) const;
    [[nodiscard]] static std::string nameOf(CopyRoute route);
    [[nodiscard]] const Track& track(TrackId id) const { return tracks[id.value]; }
    /// The requests that an execution served together.
    [[nodiscard]] std::span<const RequestIndex> membersOf(const Execution& execution) const;
    /// In which a request took part before its last one, by time.
    [[nodiscard]] std::span<const ExecutionIndex> earlierExecutionsOf(const Request& request) const;
    /// Which of several files a process is of, see ImportReport.
    [[nodiscard]] static constexpr std::uint32_t fileOf(std::uint64_t globalTid)
    {
        return static_cast<std::uint32_t>(globalTid >> kFileShift);
    }
    /// Global process id (pid << 24) of a global thread id.
    [[nodiscard]] static constexpr std::uint64_t processOf(std::uint64_t globalTid) { return globalTid & ~std::uint64_t{0xFFFFFF}; }
    [[nodiscard]] static constexpr std::uint32_t pidOf(std::uint64_t globalTid)
    {
        return static_cast<std::uint32_t>(globalTid >> 24 & 0xFFFFFF);
    }
    /// The same where the file tells it: not 0, nor a number that its reader made up.
    [[nodiscard]] static constexpr std::optional<std::uint32_t> knownPidOf(std::uint64_t globalTid)
    {
        const std::uint32_t pid = pidOf(globalTid);
        return pid == 0 || pid >= importing::kFirstMadeUpId ? std::nullopt : std::optional(pid);
    }
    [[nodiscard]] static constexpr std::uint32_t tidOf(std::uint64_t globalTid) { return static_cast<std::uint32_t>(globalTid & 0xFFFFFF); }
};

/// Rows of columns, a few early ones and all of a stretch.
struct RowSelection
{
    std::vector<std::uint32_t> early; ///< in order
    std::uint32_t first = 0, end = 0; ///< and all rows of [first, end)

    [[nodiscard]] std::size_t size() const { return early.size() + (end - first); }
    [[nodiscard]] std::uint32_t operator[](std::size_t i) const
    {
        return i < early.size() ? early[i] : first + static_cast<std::uint32_t>(i - early.size());
    }
};

/// The rows of events that intersect `window`, in order: those that start in it, and before them those that reach into it. An event of
/// no length lies in the window that holds it. Skips blocks of rows that ended before.
[[nodiscard]] RowSelection rowsIn(const EventColumns& columns, TimeRange window);

} // namespace gantry::trace
