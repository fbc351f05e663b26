#pragma once

#include "trace_model/base/time.h"
#include "trace_model/records/request_phase.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::report {

/// Id of a string in StringIds.
using TextId = std::int64_t;

// Rows of the report. Times are ns since the session start. Enumerations have the Nsight Systems export's numbers, see SCHEMA.md.
// globalTid = pid << 24 | tid, globalPid = pid << 24, as there.

struct KernelRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t globalPid = 0;
    TextId demangledName = 0, shortName = 0, mangledName = 0;
    std::uint32_t registersPerThread = 0;
    std::array<std::uint32_t, 3> grid{1, 1, 1}, block{1, 1, 1};
    std::uint32_t staticSharedMemory = 0, dynamicSharedMemory = 0; ///< bytes
    std::optional<std::uint32_t> localMemoryPerThread;             ///< bytes; absent: not known, as below
    std::optional<std::uint64_t> localMemoryTotal;                 ///< bytes
    std::optional<std::uint64_t> gridId;
    std::uint64_t graphNodeId = 0;
    std::uint32_t graphId = 0;
};

struct MemcpyRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t globalPid = 0;
    std::uint64_t bytes = 0;
    std::uint8_t copyKind = 0, srcKind = 7, dstKind = 7;
    std::uint64_t graphNodeId = 0;

    /// Of a copy between devices.
    struct Peers
    {
        std::uint32_t srcDeviceId = 0, srcContextId = 0, dstDeviceId = 0, dstContextId = 0;
    };
    std::optional<Peers> peers; ///< absent: of no such copy, or not known
};

struct MemsetRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t globalPid = 0;
    std::uint32_t value = 0;
    std::uint64_t bytes = 0;
    std::uint8_t memKind = 7;
    std::uint64_t graphNodeId = 0;
};

struct SynchronizationRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t globalPid = 0;
    std::uint8_t syncType = 0;
    std::optional<std::uint32_t> eventId; ///< absent: not known
};

struct ApiRow
{
    TimestampNs start = 0, end = 0;
    bool isDriver = false; ///< eventClass 1, else 0
    std::uint64_t globalTid = 0;
    std::uint32_t correlationId = 0;
    TextId nameId = 0;
    std::int32_t returnValue = 0;
};

struct OverheadRow
{
    TimestampNs start = 0, end = 0;
    std::uint64_t globalTid = 0;
    TextId nameId = 0;
    std::optional<std::uint8_t> overheadType; ///< absent: not known
};

/// A thread began or ceased to run on a processor.
struct SchedulingRow
{
    TimestampNs time = 0;
    std::uint32_t cpu = 0;
    bool isIn = false;
    std::uint64_t globalTid = 0;
};

/// One launch of a CUDA graph, recorded as a whole: its kernels are not known.
struct GraphRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t globalPid = 0;
    std::uint32_t graphId = 0;
};

/// An allocation or a release of memory, CUDA_GPU_MEMORY_USAGE_EVENTS.
struct MemoryRow
{
    /// A pool of the process itself. Sizes: bytes, after the operation.
    struct LocalPool
    {
        std::uint64_t address = 0, releaseThreshold = 0, size = 0, utilizedSize = 0;
    };
    /// A pool that another process shares.
    struct ImportedPool
    {
        std::uint64_t address = 0, processId = 0;
    };

    TimestampNs start = 0;
    std::uint64_t globalPid = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0, correlationId = 0;
    std::uint64_t address = 0, programCounter = 0;
    std::uint64_t bytes = 0;
    std::uint8_t memKind = 7;
    bool isRelease = false; ///< memoryOperationType 1, else 0
    std::string name;       ///< of a variable; empty: of none
    std::optional<LocalPool> localPool;
    std::optional<ImportedPool> importedPool;
};

/// A range as it was projected onto a stream by the tool that recorded it: from its first to its last work there.
struct GpuRangeRow
{
    TimestampNs start = 0, end = 0;
    std::uint32_t deviceId = 0, contextId = 0, streamId = 0;
    std::uint64_t globalPid = 0;
    TextId textId = 0;
};

/// A call that a thread was in, of something else than CUDA.
struct CallRow
{
    TimestampNs start = 0, end = 0;
    std::uint64_t globalTid = 0;
    TextId nameId = 0;
    std::int32_t returnValue = 0; ///< OS calls
};

/// Event types of NVTX_EVENTS.
enum class NvtxEventType : std::uint8_t
{
    Category = 33,
    Mark = 34,
    Thread = 39,
    PushPopRange = 59,
    StartEndRange = 60,
    DomainCreate = 75
};

struct NvtxRow
{
    TimestampNs start = 0;
    std::optional<TimestampNs> end; ///< absent: mark, or a range never ended
    NvtxEventType type = NvtxEventType::PushPopRange;
    std::optional<std::uint64_t> rangeId;
    std::uint32_t category = 0;
    std::uint32_t color = 0; ///< 0xAARRGGBB, 0: none
    std::optional<TextId> textId;
    std::uint64_t globalTid = 0;
    std::optional<std::uint64_t> endGlobalTid;
    std::uint32_t domainId = 0; ///< 0: default domain
    std::optional<std::uint64_t> uint64Value;
    std::optional<std::int64_t> int64Value;
    std::optional<double> doubleValue;
    std::optional<TextId> jsonTextId; ///< of an extended payload
};

struct ProcessRow
{
    std::uint64_t globalPid = 0;
    std::int64_t pid = 0;
    std::string name;
};

struct GpuRow
{
    std::uint32_t id = 0;
    std::string name, uuid, busLocation;
    std::uint64_t totalMemory = 0; ///< bytes
    std::uint32_t smCount = 0;
    int computeMajor = 0, computeMinor = 0;
};

struct StreamRow
{
    std::uint32_t streamId = 0, contextId = 0;
    std::uint64_t processId = 0; ///< pid
    std::int32_t priority = 0;
    std::uint8_t flag = 0; ///< 1 default, 2 non-blocking, 3 null
};

/// A CUDA context, TARGET_INFO_CUDA_CONTEXT_INFO.
struct ContextRow
{
    std::uint32_t nullStreamId = 0; ///< its default stream
    std::uint64_t processId = 0;    ///< pid
    std::uint32_t deviceId = 0, contextId = 0;
};

/// GANTRY_REQUESTS with its phases (GANTRY_REQUEST_PHASES) and, where it is batched in flight, the executions before its last one
/// (GANTRY_EARLIER_BATCHES).
struct RequestRow
{
    std::uint64_t requestId = 0;
    std::uint64_t globalPid = 0;
    std::optional<TextId> clientId;
    TextId model = 0, version = 0;
    std::optional<TimestampNs> start, end; ///< absent: outside the window
    bool failed = false;
    std::optional<std::uint64_t> batchId;      ///< of its last execution
    std::vector<std::uint64_t> earlierBatches; ///< in order
    std::optional<std::uint64_t> parentId;     ///< requestId of the ensemble's request that this one is a step of
    std::array<std::optional<TimeRange>, records::kRequestPhaseCount> phases;
};

/// GANTRY_EXECUTIONS; members are the requests whose batchId, or one of whose earlier ones, (and process) is this one.
struct ExecutionRow
{
    std::uint64_t batchId = 0;
    std::uint64_t globalTid = 0;
    TextId model = 0, version = 0, instance = 0;
    TimestampNs start = 0;
    std::optional<TimestampNs> end;
};

/// Pair of clock readings taken together, GANTRY_CLOCK_SAMPLES. Absolute times, not session times.
struct ClockRow
{
    std::int64_t monotonicNs = 0, realtimeNs = 0, rawNs = 0;
    std::uint64_t globalPid = 0;
};

/// A line of values over time as it is shown, which is not how it was measured: what is left of metrics once a report is loaded.
struct LineRow
{
    std::uint32_t id = 0; ///< of its samples; shared with the series
    std::string name, unit;
    std::string source;   ///< the series it is made of, as its producer writes it; may be empty
    bool isExact = false; ///< each value holds until the next
};

struct LogRow
{
    TimestampNs time = 0;
    std::string source, text;
};

} // namespace gantry::report
