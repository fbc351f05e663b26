#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/trace/event_columns.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::trace {

/// One execution of a model instance: the batch that served its members together.
struct Execution
{
    std::uint64_t batchId = 0;
    StringId model, instance;
    StringId version;
    std::uint64_t globalTid = 0; ///< the instance's thread
    TimeRange time;
    std::vector<RequestIndex> members;
};

struct Request
{
    std::uint64_t id = 0;  ///< as the server numbers it
    StringId clientId;     ///< as the client sent it, or none
    StringId model, version;
    TimeRange time;        ///< start to end; end == trace end when it was still in flight
    ExecutionIndex execution; ///< none: cache hit, failed early, or not executed in the window
    bool failed = false;
    bool cutByWindow = false; ///< start or end lies outside the window: not counted in percentiles
    std::array<std::optional<TimeRange>, records::kRequestPhaseCount> phases;

    /// Parts of `time` that lie in no phase, in order.
    [[nodiscard]] std::vector<TimeRange> outsidePhases() const;
};

enum class TrackKind : std::uint8_t
{
    Group,          ///< header only: node, process, GPU, context
    RequestLanes,   ///< requests packed without overlap, one depth a lane; events are EventKind::Phase
    Executions,     ///< an instance's executions
    GpuStream,      ///< kernels, memcpys, memsets of one stream
    GpuAllStreams,  ///< the same of a whole context
    NvtxThread,     ///< push/pop ranges of one thread, an icicle
    NvtxAsync,      ///< start/end ranges of one process
    ThreadApi,      ///< CUDA API calls of one thread
    Counter,        ///< a metric
};

/// Spans of one depth of a track: sorted by start, not overlapping.
struct DepthRow
{
    std::vector<TimestampNs> start, end;
    std::vector<EventId> event;
};

/// Samples of a counter track, sorted by time. Absent is absent: no sample, never 0.
struct CounterColumns
{
    std::vector<TimestampNs> time;
    std::vector<double> value;
    std::string unit;
    std::string source; ///< the series it is made of, as Prometheus writes it; empty: none, or the name says it
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

/// Immutable strings, each stored once.
class StringTable
{
public:
    [[nodiscard]] StringId intern(std::string_view text);
    /// The text, empty for none. Valid while the table lives.
    [[nodiscard]] std::string_view operator[](StringId id) const;
    [[nodiscard]] std::size_t size() const { return m_texts.size(); }

private:
    std::vector<std::string> m_texts;
    std::map<std::string, std::uint32_t, std::less<>> m_index;
};

struct GpuInfo
{
    std::uint32_t device = 0;
    std::string name;
    std::string uuid;
};

/// What the report says about itself.
struct TraceMeta
{
    std::string format;              ///< "gantry", "nsys-sqlite", ...
    std::string producer;            ///< "Gantry 0.1.0", "NVIDIA Nsight Systems 2025.1.1.110"
    std::string title;               ///< file name, or the report's label
    std::string hostName;
    std::string targetName;          ///< the server that was captured; empty: unknown
    std::int64_t sessionUtcNs = 0;   ///< wall clock of time 0; 0: unknown
    std::vector<GpuInfo> gpus;
    std::map<std::string, std::string> settings; ///< everything that has no member here (META_DATA_*), name → value
    std::vector<std::string> warnings;           ///< what was skipped or repaired, one sentence each
    bool targetExited = false;       ///< the target process ended inside the window
    bool complete = true;            ///< the assembler finished the report
    std::optional<DurationNs> clockErrorNs; ///< residual of the clock fit; absent: unknown
    std::optional<double> windowCostRatio;  ///< req/s in the window over req/s before it, minus 1; absent: not measured
    std::optional<double> windowCostError;  ///< standard deviation of windowCostRatio: what a window without cost would show; absent: unknown
    std::optional<DurationNs> openCost;     ///< from the command to recording, slowest process; absent: unknown
    std::optional<DurationNs> closeCost;    ///< from the window's end to everything flushed; absent: unknown

    /// Whether the load was large and even enough for windowCostRatio to say anything.
    [[nodiscard]] bool isWindowCostClear() const { return windowCostRatio && windowCostError.value_or(0) <= 0.1; }
};

/// A loaded report: columns per event kind, tracks, strings, meta, losses. Built once by loadTrace(), then shared as
/// shared_ptr<const Trace>; any thread reads it without a lock.
struct Trace
{
    TraceMeta meta;
    TimeRange time; ///< covers every event and counter sample
    StringTable strings;
    Losses losses;

    KernelColumns kernels;
    MemcpyColumns memcpys;
    MemsetColumns memsets;
    SynchronizationColumns synchronizations;
    ApiCallColumns apiCalls;
    NvtxRangeColumns nvtxRanges;
    NvtxMarkColumns nvtxMarks;
    OverheadColumns overheads;
    PhaseColumns phases;

    std::vector<Request> requests;     ///< sorted by start
    std::vector<Execution> executions; ///< sorted by start
    std::vector<Track> tracks;         ///< display order
    std::map<std::uint64_t, std::string> threadNames;  ///< by globalTid
    std::map<std::uint64_t, std::string> processNames; ///< by globalPid

    [[nodiscard]] const EventColumns& columns(EventKind kind) const;
    [[nodiscard]] TimeRange timeOf(EventId event) const;
    /// Short name for a label: kernel short name, "Memcpy HtoD (Pageable)", API name, NVTX text, phase name.
    [[nodiscard]] std::string nameOf(EventId event) const;
    [[nodiscard]] const Track& track(TrackId id) const { return tracks[id.value]; }
    /// Global process id (pid << 24) of a global thread id.
    [[nodiscard]] static constexpr std::uint64_t processOf(std::uint64_t globalTid) { return globalTid & ~std::uint64_t{0xFFFFFF}; }
    [[nodiscard]] static constexpr std::uint32_t pidOf(std::uint64_t globalTid) { return static_cast<std::uint32_t>(globalTid >> 24 & 0xFFFFFF); }
    [[nodiscard]] static constexpr std::uint32_t tidOf(std::uint64_t globalTid) { return static_cast<std::uint32_t>(globalTid & 0xFFFFFF); }
};

} // namespace gantry::trace
