#include "trace_model/report/report_writer.h"

#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/page_writer.h"
#include "trace_model/report/schema.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <unordered_map>

namespace gantry::report {

namespace {

// The tables that get rows; the order is that of kInserts.
enum Insert : std::size_t
{
    InsertString,
    InsertKernel,
    InsertMemcpy,
    InsertMemset,
    InsertSynchronization,
    InsertApi,
    InsertOverhead,
    InsertNvtx,
    InsertProcess,
    InsertThreadName,
    InsertGpu,
    InsertCudaDevice,
    InsertStream,
    InsertRequest,
    InsertPhase,
    InsertEarlierBatch,
    InsertExecution,
    InsertSeries,
    InsertSample,
    InsertLoss,
    InsertClock,
    InsertLog,
    InsertGraph,
    InsertCublas,
    InsertCudnn,
    InsertOs,
    InsertDiagnostic,
    InsertGpuRange,
    InsertMemory,
    InsertContext,
    InsertStreamName,
    InsertSummary,
    InsertScheduling,
    // From here on the rows are not counted in GANTRY_META.
    InsertExportMeta,
    InsertCaptureMeta,
    InsertGantryMeta,
    InsertSessionStart,
    InsertAnalysis,
    InsertCount
};
constexpr std::size_t kCountedInserts = InsertExportMeta;

struct InsertDefinition
{
    std::string_view table;
    std::string_view columns; ///< in the order in which they are stored; those between them are NULL
};

constexpr InsertDefinition kInserts[InsertCount] = {
    {"StringIds", "id,value"},
    {"CUPTI_ACTIVITY_KIND_KERNEL",
     "start,end,deviceId,contextId,streamId,correlationId,globalPid,demangledName,shortName,mangledName,registersPerThread,gridX,gridY,"
     "gridZ,blockX,blockY,blockZ,staticSharedMemory,dynamicSharedMemory,localMemoryPerThread,localMemoryTotal,gridId,graphNodeId,graphId"},
    {"CUPTI_ACTIVITY_KIND_MEMCPY",
     "start,end,deviceId,contextId,streamId,correlationId,globalPid,bytes,copyKind,srcKind,dstKind,srcDeviceId,srcContextId,"
     "dstDeviceId,dstContextId,graphNodeId"},
    {"CUPTI_ACTIVITY_KIND_MEMSET", "start,end,deviceId,contextId,streamId,correlationId,globalPid,value,bytes,graphNodeId,memKind"},
    {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "start,end,deviceId,contextId,streamId,correlationId,globalPid,syncType,eventId"},
    {"CUPTI_ACTIVITY_KIND_RUNTIME", "start,end,eventClass,globalTid,correlationId,nameId,returnValue"},
    {"CUPTI_ACTIVITY_KIND_OVERHEAD", "start,end,eventClass,globalTid,nameId,overheadType"},
    {"NVTX_EVENTS",
     "start,end,eventType,rangeId,category,color,globalTid,endGlobalTid,textId,domainId,uint64Value,int64Value,doubleValue,jsonTextId"},
    {"PROCESSES", "globalPid,pid,name"},
    {"ThreadNames", "nameId,globalTid"},
    {"TARGET_INFO_GPU", "vmId,id,name,busLocation,totalMemory,smCount,uuid,cuDevice,computeMajor,computeMinor,smMajor,smMinor"},
    {"TARGET_INFO_CUDA_DEVICE", "gpuId,cudaId,pid"},
    {"TARGET_INFO_CUDA_STREAM", "streamId,hwId,vmId,processId,contextId,priority,flag"},
    {"GANTRY_REQUESTS", "requestId,globalPid,clientId,model,version,start,end,failed,batchId,parentId"},
    {"GANTRY_REQUEST_PHASES", "requestId,globalPid,phase,start,end"},
    {"GANTRY_EARLIER_BATCHES", "requestId,globalPid,batchId"},
    {"GANTRY_EXECUTIONS", "batchId,globalTid,model,version,instance,start,end"},
    {"GANTRY_SERIES", "id,name,unit,kind,labels,help"},
    {"GANTRY_SAMPLES", "seriesId,time,value"},
    {"GANTRY_LOSSES", "name,severity,count,help"},
    {"GANTRY_CLOCK_SAMPLES", "globalPid,monotonicNs,realtimeNs,rawNs"},
    {"GANTRY_LOG_MARKS", "time,source,text"},
    {"CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "start,end,deviceId,contextId,streamId,correlationId,globalPid,graphId,graphExecId"},
    {"CUBLAS_EVENTS", "start,end,eventClass,globalTid,nameId"},
    {"CUDNN_EVENTS", "start,end,eventClass,globalTid,nameId"},
    {"OSRT_API", "start,end,eventClass,globalTid,nameId,returnValue"},
    {"DIAGNOSTIC_EVENT", "timestamp,timestampType,source,severity,text"},
    {"GANTRY_GPU_RANGES", "start,end,deviceId,contextId,streamId,globalPid,textId"},
    {"CUDA_GPU_MEMORY_USAGE_EVENTS",
     "start,globalPid,deviceId,contextId,address,pc,bytes,memKind,memoryOperationType,name,correlationId,streamId,localMemoryPoolAddress,"
     "localMemoryPoolReleaseThreshold,localMemoryPoolSize,localMemoryPoolUtilizedSize,importedMemoryPoolAddress,"
     "importedMemoryPoolProcessId"},
    {"TARGET_INFO_CUDA_CONTEXT_INFO", "nullStreamId,hwId,vmId,processId,deviceId,contextId"},
    {"GANTRY_STREAM_NAMES", "deviceId,contextId,streamId,name,globalPid"},
    {"GANTRY_SUMMARIES", "name,row,cell,value"},
    {"SCHED_EVENTS", "start,cpu,isSchedIn,globalTid"},
    {"META_DATA_EXPORT", "name,value"},
    {"META_DATA_CAPTURE", "name,value"},
    {"GANTRY_META", "name,value"},
    {"TARGET_INFO_SESSION_START_TIME", "utcEpochNs,utcTime,systemClockNs"},
    {"ANALYSIS_DETAILS", "globalVid,duration,startTime,stopTime"},
};

constexpr std::int64_t asSigned(std::uint64_t value)
{
    return static_cast<std::int64_t>(value); // SQLite integers are signed; readers shift and mask as unsigned
}

std::optional<std::int64_t> bits(std::optional<std::uint64_t> value)
{
    return value ? std::optional(asSigned(*value)) : std::nullopt;
}

/// "2026-11-21T02:28:19" of a UTC time.
std::string utcText(std::int64_t utcNs)
{
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(utcNs / 1'000'000'000)));
}

/// Nothing when the table has no such columns in this order.
std::optional<RowLayout> layoutOf(const Table& table, std::string_view columns)
{
    RowLayout layout;
    std::size_t value = 0;
    for (const Column& column : table.columns) {
        const std::string_view name = columns.substr(0, columns.find(','));
        if (name == column.name && !name.empty()) {
            columns.remove_prefix(std::min(name.size() + 1, columns.size()));
            ++value;
        } else {
            ++layout.nullsBefore[value];
            ++layout.nulls;
        }
    }
    return columns.empty() ? std::optional(layout) : std::nullopt;
}

/// One table of the report while its rows come in.
struct OpenTable
{
    OpenTable(PageWriter& file, const Table& table, const RowLayout& layout) : table(&table), layout(layout), rows(file) {}

    const Table* table;
    RowLayout layout;
    TableWriter rows;
};

} // namespace

struct ReportWriter::Impl
{
    explicit Impl(PageWriter pages) : file(std::move(pages)) {}

    struct Series
    {
        std::string name, unit;
        int kind;
        std::string labels, help;
    };

    PageWriter file;
    std::vector<OpenTable> tables; ///< by Insert
    std::vector<PageWriter::Table> enumTables;
    RowEncoder row;
    std::map<std::uint32_t, Series> series; ///< in the order of their ids, which are row ids, and they may come in any
    std::deque<std::string> texts;
    std::unordered_map<std::string_view, TextId> textIds; ///< views into texts

    void openTables()
    {
        tables.reserve(InsertCount);
        for (const InsertDefinition& insert : kInserts) {
            const auto table = std::find_if(report::tables().begin(), report::tables().end(),
                                            [&](const Table& candidate) { return insert.table == candidate.name; });
            const auto layout = table == report::tables().end() ? std::nullopt : layoutOf(*table, insert.columns);
            if (!layout)
                return file.fail({ErrorCode::Internal, fmt::format("the schema has no {} ({})", insert.table, insert.columns), {}});
            tables.emplace_back(file, *table, *layout);
        }
    }

    void writeEnums()
    {
        for (const EnumTable& table : report::enumTables()) {
            TableWriter rows(file);
            for (const EnumValue& value : table.values) {
                row.encode(nullptr, value.name, value.label);
                rows.add(value.id, row);
            }
            enumTables.push_back({table.name, createStatement(table), rows.finish()});
        }
    }

    template <typename... Values>
    void insert(Insert which, const Values&... values)
    {
        OpenTable& table = tables[which];
        row.encode(table.layout, values...);
        table.rows.add(row);
    }

    /// Into a table whose first column is the row id, which is not stored a second time.
    template <typename... Values>
    void insertKeyed(Insert which, std::int64_t rowId, const Values&... values)
    {
        OpenTable& table = tables[which];
        row.encode(table.layout, nullptr, values...);
        table.rows.add(rowId, row);
    }

    void addSeries(std::uint32_t id, Series added)
    {
        if (!series.try_emplace(id, std::move(added)).second)
            file.fail({ErrorCode::Internal, fmt::format("the report has two series {}", id), {}});
    }
};

ReportWriter::ReportWriter(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
ReportWriter::ReportWriter(ReportWriter&&) noexcept = default;
ReportWriter& ReportWriter::operator=(ReportWriter&&) noexcept = default;
ReportWriter::~ReportWriter() = default;

Result<ReportWriter> ReportWriter::create(const std::filesystem::path& path, FileAccess access)
{
    GANTRY_TRY(PageWriter file, PageWriter::create(path, access));
    auto impl = std::make_unique<Impl>(std::move(file));
    impl->openTables();
    impl->writeEnums();
    if (impl->file.error())
        return *impl->file.error();
    return ReportWriter(std::move(impl));
}

TextId ReportWriter::intern(std::string_view text)
{
    if (const auto found = m_impl->textIds.find(text); found != m_impl->textIds.end())
        return found->second;
    const std::string& stored = m_impl->texts.emplace_back(text);
    const auto id = static_cast<TextId>(m_impl->texts.size()); // from 1: 0 stays free for "no text"
    m_impl->textIds.emplace(stored, id);
    m_impl->insertKeyed(InsertString, id, stored);
    return id;
}

void ReportWriter::add(const KernelRow& row)
{
    const bool inGraph = row.graphNodeId != 0;
    m_impl->insert(InsertKernel, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   row.demangledName, row.shortName, row.mangledName ? std::optional(row.mangledName) : std::nullopt,
                   row.registersPerThread, row.grid[0], row.grid[1], row.grid[2], row.block[0], row.block[1], row.block[2],
                   row.staticSharedMemory, row.dynamicSharedMemory, row.localMemoryPerThread, bits(row.localMemoryTotal), bits(row.gridId),
                   inGraph ? std::optional(asSigned(row.graphNodeId)) : std::nullopt, inGraph ? std::optional(row.graphId) : std::nullopt);
}

void ReportWriter::add(const MemcpyRow& row)
{
    const auto peer = [&](std::uint32_t MemcpyRow::Peers::*value) { return row.peers ? std::optional((*row.peers).*value) : std::nullopt; };
    using Peers = MemcpyRow::Peers;
    m_impl->insert(InsertMemcpy, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   asSigned(row.bytes), row.copyKind, row.srcKind, row.dstKind, peer(&Peers::srcDeviceId), peer(&Peers::srcContextId),
                   peer(&Peers::dstDeviceId), peer(&Peers::dstContextId),
                   row.graphNodeId ? std::optional(asSigned(row.graphNodeId)) : std::nullopt);
}

void ReportWriter::add(const MemsetRow& row)
{
    m_impl->insert(InsertMemset, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   row.value, asSigned(row.bytes), row.graphNodeId ? std::optional(asSigned(row.graphNodeId)) : std::nullopt, row.memKind);
}

void ReportWriter::add(const SynchronizationRow& row)
{
    m_impl->insert(InsertSynchronization, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId,
                   asSigned(row.globalPid), row.syncType, row.eventId);
}

void ReportWriter::add(const ApiRow& row)
{
    m_impl->insert(InsertApi, row.start, row.end, row.isDriver ? 1 : 0, asSigned(row.globalTid), row.correlationId, row.nameId,
                   row.returnValue);
}

void ReportWriter::add(const OverheadRow& row)
{
    constexpr int kOverheadClass = 103; // ENUM_NSYS_EVENT_CLASS
    m_impl->insert(InsertOverhead, row.start, row.end, kOverheadClass, asSigned(row.globalTid), row.nameId, row.overheadType);
}

void ReportWriter::add(const NvtxRow& row)
{
    m_impl->insert(InsertNvtx, row.start, row.end, row.type, bits(row.rangeId), row.category ? std::optional(row.category) : std::nullopt,
                   row.color ? std::optional(row.color) : std::nullopt, asSigned(row.globalTid), bits(row.endGlobalTid), row.textId,
                   row.domainId, bits(row.uint64Value), row.int64Value, row.doubleValue, row.jsonTextId);
}

void ReportWriter::add(const GraphRow& row)
{
    m_impl->insert(InsertGraph, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   row.graphId, nullptr);
}

void ReportWriter::add(const GpuRangeRow& row)
{
    m_impl->insert(InsertGpuRange, row.start, row.end, row.deviceId, row.contextId, row.streamId, asSigned(row.globalPid), row.textId);
}

void ReportWriter::add(const MemoryRow& row)
{
    constexpr std::uint32_t kNoStream = 0xFFFFFFFF; // cupti_activity.h, CUPTI_INVALID_STREAM_ID: not an asynchronous operation
    const auto local = [&](std::uint64_t MemoryRow::LocalPool::*value) {
        return row.localPool ? std::optional(asSigned((*row.localPool).*value)) : std::nullopt;
    };
    const auto imported = [&](std::uint64_t MemoryRow::ImportedPool::*value) {
        return row.importedPool ? std::optional(asSigned((*row.importedPool).*value)) : std::nullopt;
    };
    using Local = MemoryRow::LocalPool;
    using Imported = MemoryRow::ImportedPool;
    m_impl->insert(InsertMemory, row.start, asSigned(row.globalPid), row.deviceId, row.contextId, asSigned(row.address),
                   asSigned(row.programCounter), asSigned(row.bytes), row.memKind, row.isRelease ? 1 : 0,
                   row.name.empty() ? std::nullopt : std::optional<std::string_view>(row.name), row.correlationId,
                   row.streamId == kNoStream ? std::nullopt : std::optional(row.streamId), local(&Local::address),
                   local(&Local::releaseThreshold), local(&Local::size), local(&Local::utilizedSize), imported(&Imported::address),
                   imported(&Imported::processId));
}

void ReportWriter::add(const ContextRow& row)
{
    constexpr int kOneMachine = 0;
    m_impl->insert(InsertContext, row.nullStreamId, kOneMachine, kOneMachine, asSigned(row.processId), row.deviceId, row.contextId);
}

void ReportWriter::addCublasCall(const CallRow& row)
{
    constexpr int kCublasClass = 29; // ENUM_NSYS_EVENT_CLASS
    m_impl->insert(InsertCublas, row.start, row.end, kCublasClass, asSigned(row.globalTid), row.nameId);
}

void ReportWriter::addCudnnCall(const CallRow& row)
{
    constexpr int kCudnnClass = 28; // ENUM_NSYS_EVENT_CLASS
    m_impl->insert(InsertCudnn, row.start, row.end, kCudnnClass, asSigned(row.globalTid), row.nameId);
}

void ReportWriter::addOsCall(const CallRow& row)
{
    m_impl->insert(InsertOs, row.start, row.end, nullptr, asSigned(row.globalTid), row.nameId, row.returnValue);
}

void ReportWriter::add(const SchedulingRow& row)
{
    m_impl->insert(InsertScheduling, row.time, row.cpu, row.isIn, asSigned(row.globalTid));
}

void ReportWriter::addStreamName(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream,
                                 std::string_view name)
{
    m_impl->insert(InsertStreamName, device, context, stream, name, asSigned(globalPid));
}

void ReportWriter::addWarning(std::string_view text)
{
    constexpr int kNoTime = 0, kUnknownClock = 0, kAnalysis = 3, kWarning = 2; // ENUM_DIAGNOSTIC_* of the export
    m_impl->insert(InsertDiagnostic, kNoTime, kUnknownClock, kAnalysis, kWarning, text);
}

void ReportWriter::addSummaryCell(std::string_view table, std::size_t row, std::size_t cell, std::string_view value)
{
    m_impl->insert(InsertSummary, table, row, cell, value.empty() ? std::nullopt : std::optional(value));
}

void ReportWriter::add(const LineRow& line)
{
    constexpr int kLine = 2, kExactLine = 3; // ENUM_GANTRY_SERIES_KIND
    m_impl->addSeries(line.id,
                      {line.name, line.unit, line.isExact ? kExactLine : kLine, metrics::formatLabels({{"source", line.source}}), {}});
}

void ReportWriter::add(const ProcessRow& row)
{
    m_impl->insert(InsertProcess, asSigned(row.globalPid), row.pid, row.name);
}

void ReportWriter::add(const GpuRow& row)
{
    const auto known = [](auto value) { return value ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt; };
    m_impl->insert(InsertGpu, 0, row.id, row.name, row.busLocation.empty() ? std::nullopt : std::optional(row.busLocation),
                   known(row.totalMemory), known(row.smCount), row.uuid, row.id, known(row.computeMajor), known(row.computeMinor),
                   known(row.computeMajor), known(row.computeMinor));
}

void ReportWriter::add(const StreamRow& row)
{
    m_impl->insert(InsertStream, row.streamId, 0, 0, asSigned(row.processId), row.contextId, static_cast<std::uint32_t>(row.priority),
                   row.flag);
}

void ReportWriter::add(const RequestRow& row)
{
    const auto batch = row.batchId ? std::optional(asSigned(*row.batchId)) : std::nullopt;
    m_impl->insert(InsertRequest, asSigned(row.requestId), asSigned(row.globalPid), row.clientId, row.model, row.version, row.start,
                   row.end, row.failed ? 1 : 0, batch, row.parentId ? std::optional(asSigned(*row.parentId)) : std::nullopt);
    for (std::size_t phase = 0; phase < row.phases.size(); ++phase) {
        if (row.phases[phase])
            m_impl->insert(InsertPhase, asSigned(row.requestId), asSigned(row.globalPid), phase, row.phases[phase]->start,
                           row.phases[phase]->end);
    }
    for (const std::uint64_t earlier : row.earlierBatches)
        m_impl->insert(InsertEarlierBatch, asSigned(row.requestId), asSigned(row.globalPid), asSigned(earlier));
}

void ReportWriter::add(const ExecutionRow& row)
{
    m_impl->insert(InsertExecution, asSigned(row.batchId), asSigned(row.globalTid), row.model, row.version, row.instance, row.start,
                   row.end);
}

void ReportWriter::add(const ClockRow& row)
{
    m_impl->insert(InsertClock, asSigned(row.globalPid), row.monotonicNs, row.realtimeNs, row.rawNs);
}

void ReportWriter::add(const LogRow& row)
{
    m_impl->insert(InsertLog, row.time, row.source, row.text);
}

void ReportWriter::addCudaDevice(std::uint32_t gpuId, std::uint32_t cudaId, std::uint32_t pid)
{
    m_impl->insert(InsertCudaDevice, gpuId, cudaId, pid);
}

void ReportWriter::addThreadName(std::uint64_t globalTid, std::string_view name)
{
    m_impl->insert(InsertThreadName, intern(name), asSigned(globalTid));
}

void ReportWriter::addSeries(const metrics::SeriesDefinition& definition)
{
    m_impl->addSeries(definition.id, {definition.name, definition.unit, static_cast<int>(definition.kind),
                                      metrics::formatLabels(definition.labels), definition.help});
}

void ReportWriter::addSample(const metrics::Sample& sample)
{
    if (!std::isnan(sample.value)) // absent is no row
        m_impl->insert(InsertSample, sample.seriesId, sample.time, sample.value);
}

const Error* ReportWriter::firstError() const
{
    return m_impl->file.error() ? &*m_impl->file.error() : nullptr;
}

Result<void> ReportWriter::finish(const Session& session)
{
    Impl& impl = *m_impl;
    for (const auto& [id, series] : impl.series)
        impl.insertKeyed(InsertSeries, id, series.name, series.unit, series.kind, series.labels, series.help);
    for (const Loss& loss : session.losses)
        impl.insert(InsertLoss, loss.name, loss.severity, asSigned(loss.count), loss.help);

    impl.insert(InsertExportMeta, meta::kProductName, meta::kProductNameValue);
    impl.insert(InsertExportMeta, meta::kProductVersion, GANTRY_VERSION);
    impl.insert(InsertExportMeta, meta::kSchemaVersion, kFollowedSchemaVersion);
    impl.insert(InsertExportMeta, meta::kFormatVersion, std::to_string(kReportFormatVersion));
    for (const auto& [name, value] : session.meta)
        impl.insert(InsertCaptureMeta, name, value);
    impl.insert(InsertGantryMeta, meta::kWindowStartNs, std::to_string(session.window.start));
    impl.insert(InsertGantryMeta, meta::kWindowEndNs, std::to_string(session.window.end));

    const auto known = [](std::int64_t clock) { return clock == 0 ? std::nullopt : std::optional(clock); };
    impl.insert(InsertSessionStart, known(session.utcEpochNs),
                session.utcEpochNs == 0 ? std::nullopt : std::optional(utcText(session.utcEpochNs)), known(session.systemClockNs));
    impl.insert(InsertAnalysis, 0, session.window.duration(), session.window.start, session.window.end);

    const auto isLeftOut = [](const OpenTable& table) { return table.table->isLazy && table.rows.rows() == 0; };
    for (std::size_t i = 0; i < kCountedInserts; ++i)
        if (const OpenTable& table = impl.tables[i]; !isLeftOut(table))
            impl.insert(InsertGantryMeta, fmt::format("{}{}", meta::kRowCountPrefix, table.table->name), std::to_string(table.rows.rows()));

    std::vector<PageWriter::Table> written;
    for (const Table& table : tables())
        for (OpenTable& open : impl.tables)
            if (open.table == &table && !isLeftOut(open))
                written.push_back({table.name, createStatement(table), open.rows.finish()});
    written.insert(written.end(), impl.enumTables.begin(), impl.enumTables.end());
    return impl.file.finish(written);
}

} // namespace gantry::report
