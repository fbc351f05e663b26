#pragma once

#include "trace_model/base/loss.h"
#include "trace_model/base/result.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"
#include "trace_model/records/request_phase.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
    std::uint32_t localMemoryPerThread = 0;                        ///< bytes
    std::uint64_t localMemoryTotal = 0;                            ///< bytes
    std::uint64_t gridId = 0, graphNodeId = 0;
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
    std::uint32_t eventId = 0;
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
    std::uint8_t overheadType = 0;
};

/// Event types of NVTX_EVENTS.
enum class NvtxEventType : std::uint8_t { Category = 33, Mark = 34, Thread = 39, PushPopRange = 59, StartEndRange = 60, DomainCreate = 75 };

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
    std::uint8_t flag = 0;       ///< 1 default, 2 non-blocking, 3 null
};

/// GANTRY_REQUESTS with its phases (GANTRY_REQUEST_PHASES).
struct RequestRow
{
    std::uint64_t requestId = 0;
    std::uint64_t globalPid = 0;
    std::optional<TextId> clientId;
    TextId model = 0, version = 0;
    std::optional<TimestampNs> start, end; ///< absent: outside the window
    bool failed = false;
    std::optional<std::uint64_t> batchId;
    std::array<std::optional<TimeRange>, records::kRequestPhaseCount> phases;
};

/// GANTRY_EXECUTIONS; members are the requests whose batchId (and process) is this one.
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

struct LogRow
{
    TimestampNs time = 0;
    std::string source, text;
};

/// Writes one report: an SQLite file in the Nsight Systems export's schema plus GANTRY_* tables (SCHEMA.md). Written to a
/// temporary file (mode 0600) beside `path`, renamed when finish() succeeds; a writer that is destroyed before leaves nothing.
/// One thread at a time. Errors: CannotWrite (disk full, folder missing), Internal.
class ReportWriter
{
public:
    [[nodiscard]] static Result<ReportWriter> create(const std::filesystem::path& path);
    ReportWriter(ReportWriter&&) noexcept;
    ReportWriter& operator=(ReportWriter&&) noexcept;
    ~ReportWriter();

    /// Id of a text in StringIds; the same text has the same id. Never fails: an error is kept and reported by finish().
    TextId intern(std::string_view text);

    void add(const KernelRow& row);
    void add(const MemcpyRow& row);
    void add(const MemsetRow& row);
    void add(const SynchronizationRow& row);
    void add(const ApiRow& row);
    void add(const OverheadRow& row);
    void add(const NvtxRow& row);
    void add(const ProcessRow& row);
    void add(const GpuRow& row);
    void add(const StreamRow& row);
    void add(const RequestRow& row);
    void add(const ExecutionRow& row);
    void add(const ClockRow& row);
    void add(const LogRow& row);
    void addCudaDevice(std::uint32_t gpuId, std::uint32_t cudaId, std::uint32_t pid);
    void addThreadName(std::uint64_t globalTid, std::string_view name);
    void addSeries(const metrics::SeriesDefinition& definition);
    void addSample(const metrics::Sample& sample); ///< time already ns since session start

    /// First error of any add, without waiting for finish(): lets the assembler stop early on a full disk.
    [[nodiscard]] const Error* firstError() const;

    struct Session
    {
        std::int64_t utcEpochNs = 0;       ///< CLOCK_REALTIME of time 0
        std::int64_t systemClockNs = 0;    ///< CLOCK_MONOTONIC of time 0
        TimeRange window;                  ///< the capture window, session time
        std::map<std::string, std::string> meta; ///< META_DATA_CAPTURE; keys in SCHEMA.md
        Losses losses;
    };

    /// Writes session, meta and losses, syncs, and renames into place.
    [[nodiscard]] Result<void> finish(const Session& session);

private:
    struct Impl;
    explicit ReportWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::report
