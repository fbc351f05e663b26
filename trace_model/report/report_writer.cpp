#include "trace_model/report/report_writer.h"

#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/schema.h"
#include "trace_model/report/sqlite.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <deque>
#include <set>
#include <system_error>
#include <unordered_map>

#include <sys/resource.h>

namespace gantry::report {

namespace {

// One prepared INSERT per table that gets many rows; the order is that of kInserts.
enum Insert : std::size_t
{
    InsertString, InsertKernel, InsertMemcpy, InsertMemset, InsertSynchronization, InsertApi, InsertOverhead, InsertNvtx,
    InsertProcess, InsertThreadName, InsertGpu, InsertCudaDevice, InsertStream, InsertRequest, InsertPhase, InsertExecution,
    InsertSeries, InsertSample, InsertLoss, InsertClock, InsertLog, InsertGraph, InsertCublas, InsertCudnn, InsertOs, InsertDiagnostic,
    InsertGpuRange, InsertStreamName, InsertSummary, InsertCount
};

struct InsertDefinition
{
    const char* table;
    const char* columns;
};

constexpr InsertDefinition kInserts[InsertCount] = {
    {"StringIds", "id,value"},
    {"CUPTI_ACTIVITY_KIND_KERNEL",
     "start,end,deviceId,contextId,streamId,correlationId,globalPid,demangledName,shortName,mangledName,registersPerThread,gridX,gridY,"
     "gridZ,blockX,blockY,blockZ,staticSharedMemory,dynamicSharedMemory,localMemoryPerThread,localMemoryTotal,gridId,graphNodeId,graphId"},
    {"CUPTI_ACTIVITY_KIND_MEMCPY",
     "start,end,deviceId,contextId,streamId,correlationId,globalPid,bytes,copyKind,srcKind,dstKind,graphNodeId"},
    {"CUPTI_ACTIVITY_KIND_MEMSET", "start,end,deviceId,contextId,streamId,correlationId,globalPid,value,bytes,memKind,graphNodeId"},
    {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "start,end,deviceId,contextId,streamId,correlationId,globalPid,syncType,eventId"},
    {"CUPTI_ACTIVITY_KIND_RUNTIME", "start,end,eventClass,globalTid,correlationId,nameId,returnValue"},
    {"CUPTI_ACTIVITY_KIND_OVERHEAD", "start,end,eventClass,globalTid,nameId,overheadType"},
    {"NVTX_EVENTS",
     "start,end,eventType,rangeId,category,color,globalTid,endGlobalTid,textId,domainId,uint64Value,int64Value,doubleValue"},
    {"PROCESSES", "globalPid,pid,name"},
    {"ThreadNames", "nameId,globalTid"},
    {"TARGET_INFO_GPU", "vmId,id,name,busLocation,totalMemory,smCount,uuid,cuDevice,computeMajor,computeMinor,smMajor,smMinor"},
    {"TARGET_INFO_CUDA_DEVICE", "gpuId,cudaId,pid"},
    {"TARGET_INFO_CUDA_STREAM", "streamId,hwId,vmId,processId,contextId,priority,flag"},
    {"GANTRY_REQUESTS", "requestId,globalPid,clientId,model,version,start,end,failed,batchId,parentId"},
    {"GANTRY_REQUEST_PHASES", "requestId,globalPid,phase,start,end"},
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
    {"GANTRY_STREAM_NAMES", "deviceId,contextId,streamId,name,globalPid"},
    {"GANTRY_SUMMARIES", "name,row,cell,value"},
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

/// Whether a file is as large as this process may make one: SQLite does not tell that from other failures of a write.
bool isAtSizeLimit(const std::filesystem::path& file)
{
    constexpr std::uintmax_t kPageBytes = 4096;
    rlimit limit{};
    std::error_code unknown;
    const std::uintmax_t size = std::filesystem::file_size(file, unknown);
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && !unknown && size + kPageBytes > limit.rlim_cur;
}

Error writeError(sqlite3* database, const NewFile& file)
{
    const int code = sqlite3_extended_errcode(database) & 0xFF;
    int systemError = sqlite3_system_errno(database);
    if (code == SQLITE_FULL)
        systemError = ENOSPC;
    if (code == SQLITE_IOERR && isAtSizeLimit(file.temporaryPath()))
        systemError = EFBIG;
    if (systemError != 0 && (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY || code == SQLITE_CANTOPEN))
        return NewFile::writeError(systemError, file.path(), "write");
    if (code == SQLITE_IOERR || code == SQLITE_READONLY || code == SQLITE_CANTOPEN)
        return {ErrorCode::CannotWrite,
                fmt::format("cannot write {}: {}; name a file in another folder", file.path().string(), sqlite3_errmsg(database)),
                {}};
    return {ErrorCode::Internal, fmt::format("writing {}: {}", file.path().string(), sqlite3_errmsg(database)), {}};
}

} // namespace

struct ReportWriter::Impl
{
    explicit Impl(NewFile newFile) : file(std::move(newFile)) {}

    NewFile file;
    SqliteHandle database; ///< after the file: closed before that is removed
    std::array<SqliteStatement, InsertCount> inserts;
    std::array<std::int64_t, InsertCount> rows{};
    std::deque<std::string> texts;
    std::unordered_map<std::string_view, TextId> textIds; ///< views into texts
    std::optional<Error> error;

    void keep(Error newError)
    {
        if (!error)
            error = std::move(newError);
    }

    void execute(const std::string& sql)
    {
        if (!error && sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            keep(writeError(database.get(), file));
    }

    SqliteStatement prepare(const std::string& sql)
    {
        sqlite3_stmt* statement = nullptr;
        if (!error && sqlite3_prepare_v2(database.get(), sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
            keep(writeError(database.get(), file));
        return SqliteStatement(statement);
    }

    template <typename Value>
    static void bindOne(SqliteStatement& statement, int parameter, const Value& value)
    {
        if constexpr (std::is_same_v<Value, std::nullptr_t>)
            statement.bindNull(parameter);
        else if constexpr (std::is_floating_point_v<Value>)
            statement.bind(parameter, static_cast<double>(value));
        else if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>)
            statement.bind(parameter, static_cast<std::int64_t>(value));
        else
            statement.bind(parameter, std::string_view(value));
    }
    template <typename Value>
    static void bindOne(SqliteStatement& statement, int parameter, const std::optional<Value>& value)
    {
        if (value)
            bindOne(statement, parameter, *value);
        else
            statement.bindNull(parameter);
    }

    template <typename... Values>
    void insert(Insert which, const Values&... values)
    {
        if (error)
            return;
        SqliteStatement& statement = inserts[which];
        if (!statement.get() && !createLazily(which))
            return;
        int parameter = 0;
        (bindOne(statement, parameter++, values), ...);
        if (statement.step() != SQLITE_DONE)
            keep(writeError(database.get(), file));
        statement.reset();
        ++rows[which];
    }

    /// A lazy table gets its first row.
    bool createLazily(Insert which)
    {
        const auto table = std::find_if(tables().begin(), tables().end(), [&](const Table& candidate) { return std::string_view(candidate.name) == kInserts[which].table; });
        execute(createStatement(*table));
        inserts[which] = prepare(insertStatement(kInserts[which].table, kInserts[which].columns));
        return !error;
    }

    void insertMeta(const char* table, std::string_view name, std::string_view value)
    {
        SqliteStatement statement = prepare(insertStatement(table, "name,value"));
        if (error)
            return;
        statement.bind(0, name);
        statement.bind(1, value);
        if (statement.step() != SQLITE_DONE)
            keep(writeError(database.get(), file));
    }
};

ReportWriter::ReportWriter(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
ReportWriter::ReportWriter(ReportWriter&&) noexcept = default;
ReportWriter& ReportWriter::operator=(ReportWriter&&) noexcept = default;
ReportWriter::~ReportWriter() = default;

Result<ReportWriter> ReportWriter::create(const std::filesystem::path& path, FileAccess access)
{
    GANTRY_TRY(NewFile file, NewFile::createNamed(path, access));
    auto impl = std::make_unique<Impl>(std::move(file));

    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(impl->file.temporaryPath().c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    impl->database.reset(database);
    if (opened != SQLITE_OK)
        return writeError(database, impl->file);

    // No journal and no syncing on the way: a report that is not finished is thrown away whole, and finish() syncs once.
    impl->execute("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
                  "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; BEGIN");
    std::set<std::string_view> isThere;
    for (const Table& table : tables())
        if (!table.isLazy) {
            impl->execute(createStatement(table));
            isThere.insert(table.name);
        }
    for (const EnumTable& table : enumTables()) {
        impl->execute(createStatement(table));
        SqliteStatement statement = impl->prepare(insertStatement(table.name, "id,name,label"));
        for (const EnumValue& value : table.values) {
            if (impl->error)
                break;
            statement.bind(0, std::int64_t{value.id});
            statement.bind(1, std::string_view(value.name));
            statement.bind(2, std::string_view(value.label));
            if (statement.step() != SQLITE_DONE)
                impl->keep(writeError(database, impl->file));
            statement.reset();
        }
    }
    for (std::size_t i = 0; i < InsertCount; ++i)
        if (isThere.contains(kInserts[i].table))
            impl->inserts[i] = impl->prepare(insertStatement(kInserts[i].table, kInserts[i].columns));
    if (impl->error)
        return std::move(*impl->error);
    return ReportWriter(std::move(impl));
}

TextId ReportWriter::intern(std::string_view text)
{
    if (const auto found = m_impl->textIds.find(text); found != m_impl->textIds.end())
        return found->second;
    const std::string& stored = m_impl->texts.emplace_back(text);
    const auto id = static_cast<TextId>(m_impl->texts.size()); // from 1: 0 stays free for "no text"
    m_impl->textIds.emplace(stored, id);
    m_impl->insert(InsertString, id, stored);
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
    m_impl->insert(InsertMemcpy, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   asSigned(row.bytes), row.copyKind, row.srcKind, row.dstKind,
                   row.graphNodeId ? std::optional(asSigned(row.graphNodeId)) : std::nullopt);
}

void ReportWriter::add(const MemsetRow& row)
{
    m_impl->insert(InsertMemset, row.start, row.end, row.deviceId, row.contextId, row.streamId, row.correlationId, asSigned(row.globalPid),
                   row.value, asSigned(row.bytes), row.memKind,
                   row.graphNodeId ? std::optional(asSigned(row.graphNodeId)) : std::nullopt);
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
                   row.domainId, bits(row.uint64Value), row.int64Value, row.doubleValue);
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

void ReportWriter::addStreamName(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream, std::string_view name)
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
    constexpr int kLine = 2; // ENUM_GANTRY_SERIES_KIND
    m_impl->insert(InsertSeries, line.id, line.name, line.unit, kLine, metrics::formatLabels({{"source", line.source}}), std::string_view());
}

void ReportWriter::add(const ProcessRow& row)
{
    m_impl->insert(InsertProcess, asSigned(row.globalPid), row.pid, row.name);
}

void ReportWriter::add(const GpuRow& row)
{
    const auto known = [](auto value) {
        return value ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
    };
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
    m_impl->insert(InsertRequest, asSigned(row.requestId), asSigned(row.globalPid), row.clientId, row.model, row.version, row.start, row.end,
                   row.failed ? 1 : 0, batch, row.parentId ? std::optional(asSigned(*row.parentId)) : std::nullopt);
    for (std::size_t phase = 0; phase < row.phases.size(); ++phase) {
        if (row.phases[phase])
            m_impl->insert(InsertPhase, asSigned(row.requestId), asSigned(row.globalPid), phase, row.phases[phase]->start,
                           row.phases[phase]->end);
    }
}

void ReportWriter::add(const ExecutionRow& row)
{
    m_impl->insert(InsertExecution, asSigned(row.batchId), asSigned(row.globalTid), row.model, row.version, row.instance, row.start, row.end);
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
    m_impl->insert(InsertSeries, definition.id, definition.name, definition.unit, definition.kind, metrics::formatLabels(definition.labels),
                   definition.help);
}

void ReportWriter::addSample(const metrics::Sample& sample)
{
    if (!std::isnan(sample.value)) // absent is no row
        m_impl->insert(InsertSample, sample.seriesId, sample.time, sample.value);
}

const Error* ReportWriter::firstError() const
{
    return m_impl->error ? &*m_impl->error : nullptr;
}

Result<void> ReportWriter::finish(const Session& session)
{
    Impl& impl = *m_impl;
    for (const Loss& loss : session.losses)
        impl.insert(InsertLoss, loss.name, loss.severity, asSigned(loss.count), loss.help);

    impl.insertMeta("META_DATA_EXPORT", meta::kProductName, meta::kProductNameValue);
    impl.insertMeta("META_DATA_EXPORT", meta::kProductVersion, GANTRY_VERSION);
    impl.insertMeta("META_DATA_EXPORT", meta::kSchemaVersion, kFollowedSchemaVersion);
    impl.insertMeta("META_DATA_EXPORT", meta::kFormatVersion, std::to_string(kReportFormatVersion));
    for (const auto& [name, value] : session.meta)
        impl.insertMeta("META_DATA_CAPTURE", name, value);
    impl.insertMeta("GANTRY_META", meta::kWindowStartNs, std::to_string(session.window.start));
    impl.insertMeta("GANTRY_META", meta::kWindowEndNs, std::to_string(session.window.end));
    for (std::size_t i = 0; i < InsertCount; ++i)
        if (impl.inserts[i].get())
            impl.insertMeta("GANTRY_META", fmt::format("{}{}", meta::kRowCountPrefix, kInserts[i].table), std::to_string(impl.rows[i]));

    const auto known = [](std::int64_t clock, const std::string& text) {
        return clock == 0 ? std::string("NULL") : text;
    };
    impl.execute(fmt::format("INSERT INTO TARGET_INFO_SESSION_START_TIME (utcEpochNs, utcTime, systemClockNs) VALUES ({}, {}, {})",
                             known(session.utcEpochNs, std::to_string(session.utcEpochNs)),
                             known(session.utcEpochNs, "'" + utcText(session.utcEpochNs) + "'"),
                             known(session.systemClockNs, std::to_string(session.systemClockNs))));
    impl.execute(fmt::format("INSERT INTO ANALYSIS_DETAILS (globalVid, duration, startTime, stopTime) VALUES (0, {}, {}, {})",
                             session.window.duration(), session.window.start, session.window.end));
    impl.execute("COMMIT");
    for (auto& insert : impl.inserts)
        insert = SqliteStatement();
    impl.database.reset();

    if (impl.error) {
        impl.file.discard();
        return *impl.error;
    }
    return impl.file.publish();
}

} // namespace gantry::report
