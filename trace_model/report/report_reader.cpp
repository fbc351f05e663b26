#include "trace_model/report/report_reader.h"

#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_file.h"
#include "trace_model/report/schema.h"
#include "trace_model/report/sqlite.h"
#include "trace_model/report/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <set>

namespace gantry::report {

namespace {

/// Rows of a table that holds names and settings, above which a damaged or hostile file would only eat memory.
constexpr int kMaxSettings = 4000;
constexpr int kMaxDiagnostics = 20;

/// An SQLite record is at least a header byte, a type byte and a cell pointer of two bytes (sqlite.org/fileformat2.html,
/// 1.6 and 2.1): more rows than the file's length over four means that damaged pages lead in a circle.
constexpr std::uint64_t kMinRowBytes = 4;

std::string uriOf(const std::filesystem::path& path, std::string_view parameters)
{
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(path).string()) {
        if (c == '%' || c == '?' || c == '#')
            fmt::format_to(std::back_inserter(uri), "%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            uri += c;
    }
    return uri.append(parameters);
}

std::string quotedName(std::string_view name)
{
    std::string result = "\"";
    for (const char c : name) {
        if (c == '"')
            result += '"';
        result += c;
    }
    return result + '"';
}

std::optional<std::int64_t> toInteger(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint64_t unsignedAt(const SqliteStatement& row, int column)
{
    return static_cast<std::uint64_t>(row.integer(column));
}

std::uint32_t smallAt(const SqliteStatement& row, int column)
{
    return static_cast<std::uint32_t>(row.integer(column));
}

std::uint8_t byteAt(const SqliteStatement& row, int column, std::uint8_t whenNull)
{
    if (row.isNull(column))
        return whenNull;
    return static_cast<std::uint8_t>(std::clamp<std::int64_t>(row.integer(column), 0, 255));
}

template <typename Value>
std::optional<Value> optionalAt(const SqliteStatement& row, int column)
{
    if (row.isNull(column))
        return std::nullopt;
    if constexpr (std::is_floating_point_v<Value>)
        return row.real(column);
    else
        return static_cast<Value>(row.integer(column));
}

/// Tables whose rows a Trace does not show, so that the reader says so when they have any. Call chains belong to other rows,
/// and TARGET_INFO, ENUM and META tables describe.
bool holdsUnshownEvents(std::string_view table)
{
    for (const std::string_view prefix : {"ENUM_", "TARGET_INFO_", "META_DATA_", "sqlite_", "_", "ANALYSIS_", "GANTRY_"}) {
        if (table.starts_with(prefix))
            return false;
    }
    if (table.find("CALLCHAINS") != std::string_view::npos || table.find("SCHEMA") != std::string_view::npos)
        return false;
    for (const std::string_view known : {"EXPORT_META_DATA", "ProcessStreams", "UnwindMethodType", "DIAGNOSTIC_EVENT", "GPU_METRICS",
                                         "PROFILER_OVERHEAD", "CUDA_GRAPH_EVENTS", "CUDA_GRAPH_NODE_EVENTS", "SystemInfo"}) {
        if (table == known)
            return false;
    }
    const auto shown = tables();
    return std::none_of(shown.begin(), shown.end(), [&](const Table& candidate) { return table == candidate.name; });
}

} // namespace

struct ReportReader::Impl
{
    std::filesystem::path path; ///< as the user named it
    ReportFile file;
    std::stop_token stop;
    SqliteHandle database;
    std::set<std::string, std::less<>> tableNames;
    ReportInfo info;
    std::map<std::string, std::uint64_t, std::less<>> promisedRows;

    explicit Impl(ReportFile reportFile) : file(std::move(reportFile)) {}

    [[nodiscard]] Error sqliteError() const
    {
        const int code = sqlite3_extended_errcode(database.get());
        if ((code & 0xFF) == SQLITE_INTERRUPT)
            return {ErrorCode::Cancelled, "cancelled", {}};
        return {ErrorCode::BadInput,
                fmt::format("{} is damaged ({}): copy or fetch it again", path.string(), sqlite3_errmsg(database.get())), {}};
    }

    [[nodiscard]] bool hasTable(std::string_view table) const { return tableNames.contains(table); }

    [[nodiscard]] bool hasColumn(const char* table, const char* column) const
    {
        return sqlite3_table_column_metadata(database.get(), "main", table, column, nullptr, nullptr, nullptr, nullptr, nullptr) == SQLITE_OK;
    }

    /// Calls sink(statement) for every row of a SELECT until it returns false.
    template <typename Sink>
    Result<void> forEachRow(const std::string& sql, Sink&& sink) const
    {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(database.get(), sql.c_str(), static_cast<int>(sql.size()), &prepared, nullptr) != SQLITE_OK)
            return sqliteError();
        SqliteStatement statement(prepared);
        const std::uint64_t maxRows = file.size() / kMinRowBytes;
        for (std::uint64_t rows = 0;; ++rows) {
            const int code = statement.step();
            if (code == SQLITE_DONE)
                return {};
            if (code != SQLITE_ROW)
                return sqliteError();
            if (rows > maxRows)
                return Error{ErrorCode::BadInput, fmt::format("{} is damaged (its pages lead in a circle): copy or fetch it again", path.string()), {}};
            if (!sink(std::as_const(statement)))
                return {};
        }
    }

    /// The same for named columns of a table, NULL where the table has no such column; no rows when there is no such table.
    template <typename Sink>
    Result<void> forEach(const char* table, std::initializer_list<const char*> columns, Sink&& sink) const
    {
        if (!hasTable(table))
            return {};
        std::string sql = "SELECT ";
        const char* separator = "";
        for (const char* column : columns) {
            sql += separator;
            sql += hasColumn(table, column) ? quotedName(column) : "NULL";
            separator = ",";
        }
        sql += " FROM " + quotedName(table);
        return forEachRow(sql, std::forward<Sink>(sink));
    }

    [[nodiscard]] bool hasRows(std::string_view table) const
    {
        bool found = false;
        // A table that cannot be read is reported by whoever reads it; here it only counts as having none.
        (void)forEachRow("SELECT 1 FROM " + quotedName(table) + " LIMIT 1", [&](const SqliteStatement&) { return found = true; });
        return found;
    }

    Result<void> openDatabase();
    Result<void> readTableNames();
    Result<void> recognise();
    Result<void> readInfo();
    Result<void> readSettings(const char* table);
    void describeMissing();
};

Result<void> ReportReader::Impl::openDatabase()
{
    // immutable: no locks and no files beside the report, which may lie on a read-only disk; only a write-ahead log that
    // still holds rows needs the ordinary way.
    std::error_code ignored;
    const bool hasLog = file.usesWriteAheadLog() && std::filesystem::file_size(file.databasePath().string() + "-wal", ignored) > 0 && !ignored;
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(uriOf(file.databasePath(), hasLog ? "?mode=ro" : "?mode=ro&immutable=1").c_str(), &opened,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    database.reset(opened);
    if (code != SQLITE_OK)
        return sqliteError();
    // A report may come from anywhere: nothing that its schema says may run, and no record may be absurdly long.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, 64 << 20);
    sqlite3_busy_timeout(opened, 1000);
    constexpr int kInstructionsBetweenLooks = 20000; // about a millisecond of reading
    if (stop.stop_possible()) {
        sqlite3_progress_handler(opened, kInstructionsBetweenLooks,
                                 [](void* token) { return static_cast<std::stop_token*>(token)->stop_requested() ? 1 : 0; }, &stop);
    }
    if (sqlite3_exec(opened, "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA cache_size=-8192", nullptr, nullptr, nullptr) != SQLITE_OK)
        return sqliteError();
    return {};
}

Result<void> ReportReader::Impl::readTableNames()
{
    return forEachRow("SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE TABLE%'", [&](const SqliteStatement& row) {
        tableNames.emplace(row.text(0));
        return true;
    });
}

Result<void> ReportReader::Impl::readSettings(const char* table)
{
    int left = kMaxSettings;
    std::string scratch;
    return forEach(table, {"name", "value"}, [&](const SqliteStatement& row) {
        const std::string name(validUtf8(row.text(0), scratch));
        // Environments hold secrets, and nothing here needs them.
        if (name.find("ENVIRONMENT_VARIABLE") != std::string::npos)
            return true;
        std::string value(validUtf8(row.text(1), scratch));
        const auto [entry, isNew] = info.settings.try_emplace(name, value);
        if (!isNew && entry->second.size() < 4096)
            entry->second += "; " + value;
        return --left > 0;
    });
}

Result<void> ReportReader::Impl::recognise()
{
    GANTRY_CHECK(readSettings("META_DATA_EXPORT"));
    GANTRY_CHECK(readSettings("EXPORT_META_DATA")); // its name until 2023.2
    const auto setting = [&](const char* name) {
        const auto found = info.settings.find(name);
        return found == info.settings.end() ? std::string() : found->second;
    };
    info.productName = setting(meta::kProductName);
    info.productVersion = setting(meta::kProductVersion);
    info.schemaVersion = setting(meta::kSchemaVersion);

    if (const std::string version = setting(meta::kFormatVersion); !version.empty()) {
        const auto number = toInteger(version);
        if (!number || *number < 1)
            return Error{ErrorCode::BadInput, fmt::format("{} is damaged (its format version reads \"{}\"): copy or fetch it again",
                                                          path.string(), version), {}};
        if (*number > kReportFormatVersion)
            return Error{ErrorCode::UnsupportedVersion,
                         fmt::format("{} was written by a newer Gantry (format {}, this one reads up to {}): update Gantry", path.string(),
                                     *number, kReportFormatVersion), {}};
        info.format = ReportFormat::Gantry;
        info.formatVersion = static_cast<int>(*number);
        return {};
    }

    info.format = ReportFormat::NsysSqlite;
    const bool hasEvents = std::any_of(tableNames.begin(), tableNames.end(), [](const std::string& table) {
        return table.starts_with("CUPTI_ACTIVITY_KIND_") || table == "NVTX_EVENTS" || table == "OSRT_API";
    });
    const bool describes = hasTable("META_DATA_EXPORT") || hasTable("EXPORT_META_DATA") || hasTable("TARGET_INFO_SESSION_START_TIME") ||
                           hasTable("ThreadNames");
    if (hasEvents || (hasTable("StringIds") && describes))
        return {};
    return Error{ErrorCode::NotAReport,
                 fmt::format("{} is an SQLite file, but not a report: it has none of the tables of Gantry or Nsight Systems", path.string()), {}};
}

void ReportReader::Impl::describeMissing()
{
    std::string unshown;
    for (const std::string& table : tableNames) {
        if (holdsUnshownEvents(table) && hasRows(table))
            unshown += (unshown.empty() ? "" : ", ") + table;
    }
    if (hasTable("CUPTI_ACTIVITY_KIND_GRAPH_TRACE") && hasRows("CUPTI_ACTIVITY_KIND_GRAPH_TRACE"))
        info.warnings.emplace_back("CUDA graphs were traced as a whole, so the kernels inside them are absent: capture with --cuda-graph-trace=node to see them.");
    if (!unshown.empty())
        info.warnings.push_back(fmt::format("The file holds events that are not shown: {}.", unshown));
}

Result<void> ReportReader::Impl::readInfo()
{
    GANTRY_CHECK(readSettings("META_DATA_CAPTURE"));
    std::string scratch;
    if (info.format == ReportFormat::Gantry) {
        std::optional<std::int64_t> start, end;
        GANTRY_CHECK(forEach("GANTRY_META", {"name", "value"}, [&](const SqliteStatement& row) {
            const std::string key(row.text(0));
            const auto value = toInteger(row.text(1));
            constexpr std::string_view prefix = meta::kRowCountPrefix;
            if (key == meta::kWindowStartNs)
                start = value;
            else if (key == meta::kWindowEndNs)
                end = value;
            else if (key.starts_with(prefix) && value && *value >= 0 && promisedRows.size() < kMaxSettings)
                promisedRows.emplace(key.substr(prefix.size()), static_cast<std::uint64_t>(*value));
            return true;
        }));
        if (start && end && *start <= *end)
            info.window = TimeRange{*start, *end};
        const auto host = info.settings.find(meta::kHostName);
        info.hostName = host == info.settings.end() ? std::string() : host->second;
    } else {
        GANTRY_CHECK(forEach("ANALYSIS_DETAILS", {"startTime", "stopTime"}, [&](const SqliteStatement& row) {
            const TimeRange range{row.integer(0), row.integer(1)};
            if (!row.isNull(0) && !row.isNull(1) && range.start <= range.end)
                info.window = info.window ? TimeRange{std::min(info.window->start, range.start), std::max(info.window->end, range.end)} : range;
            return true;
        }));
        GANTRY_CHECK(forEach("TARGET_INFO_SYSTEM_ENV", {"name", "value"}, [&](const SqliteStatement& row) {
            const std::string name(row.text(0));
            if (name == "Hostname")
                info.hostName = validUtf8(row.text(1), scratch);
            else if (name == "NvDriverVersion" || name == "CudaDriverVersion" || name == "OsDescription" || name == "KernelVersion" || name == "CpuDescription")
                info.settings.insert_or_assign(name, std::string(validUtf8(row.text(1), scratch)));
            return true;
        }));
        int left = kMaxDiagnostics;
        GANTRY_CHECK(forEach("DIAGNOSTIC_EVENT", {"severity", "text"}, [&](const SqliteStatement& row) {
            const std::int64_t severity = row.integer(0); // 2 warning, 3 error
            if (severity == 2 || severity == 3) {
                std::string text(validUtf8(row.text(1), scratch));
                std::replace(text.begin(), text.end(), '\n', ' ');
                info.warnings.push_back(std::move(text));
                --left;
            }
            return left > 0;
        }));
        describeMissing();
    }
    return forEach("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs", "systemClockNs"}, [&](const SqliteStatement& row) {
        info.utcEpochNs = optionalAt<std::int64_t>(row, 0);
        info.systemClockNs = optionalAt<std::int64_t>(row, 1);
        return false;
    });
}

ReportReader::ReportReader(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
ReportReader::ReportReader(ReportReader&&) noexcept = default;
ReportReader& ReportReader::operator=(ReportReader&&) noexcept = default;
ReportReader::~ReportReader() = default;

Result<ReportReader> ReportReader::open(const std::filesystem::path& path, std::stop_token stop)
{
    GANTRY_TRY(ReportFile file, ReportFile::open(path, stop));
    auto impl = std::make_unique<Impl>(std::move(file));
    impl->path = path;
    impl->stop = std::move(stop);
    GANTRY_CHECK(impl->openDatabase());
    GANTRY_CHECK(impl->readTableNames());
    GANTRY_CHECK(impl->recognise());
    GANTRY_CHECK(impl->readInfo());
    return ReportReader(std::move(impl));
}

const ReportInfo& ReportReader::info() const
{
    return m_impl->info;
}

std::uint64_t ReportReader::rowEstimate(std::string_view table) const
{
    if (!m_impl->hasTable(table))
        return 0;
    std::int64_t last = 0;
    // Fails for a table without row ids, which then counts as unknown; max(rowid) is one walk down the tree.
    (void)m_impl->forEachRow("SELECT max(rowid) FROM " + quotedName(table), [&](const SqliteStatement& row) {
        last = row.integer(0);
        return false;
    });
    return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(last, 0)), m_impl->file.size() / kMinRowBytes);
}

Result<void> ReportReader::readStrings(const RowSink<std::pair<TextId, std::string_view>>& sink) const
{
    std::string scratch;
    return m_impl->forEach("StringIds", {"id", "value"}, [&](const SqliteStatement& row) {
        return sink({row.integer(0), validUtf8(row.text(1), scratch)});
    });
}

Result<void> ReportReader::readKernels(const RowSink<KernelRow>& sink) const
{
    return m_impl->forEach(
        "CUPTI_ACTIVITY_KIND_KERNEL",
        {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "demangledName", "shortName", "mangledName",
         "registersPerThread", "gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "staticSharedMemory", "dynamicSharedMemory",
         "localMemoryPerThread", "localMemoryTotal", "gridId", "graphNodeId", "graphId"},
        [&](const SqliteStatement& row) {
            KernelRow kernel;
            kernel.start = row.integer(0);
            kernel.end = row.integer(1);
            kernel.deviceId = smallAt(row, 2);
            kernel.contextId = smallAt(row, 3);
            kernel.streamId = smallAt(row, 4);
            kernel.correlationId = smallAt(row, 5);
            kernel.globalPid = unsignedAt(row, 6);
            kernel.demangledName = row.integer(7);
            kernel.shortName = row.integer(8);
            kernel.mangledName = row.integer(9);
            kernel.registersPerThread = smallAt(row, 10);
            kernel.grid = {smallAt(row, 11), smallAt(row, 12), smallAt(row, 13)};
            kernel.block = {smallAt(row, 14), smallAt(row, 15), smallAt(row, 16)};
            kernel.staticSharedMemory = smallAt(row, 17);
            kernel.dynamicSharedMemory = smallAt(row, 18);
            kernel.localMemoryPerThread = smallAt(row, 19);
            kernel.localMemoryTotal = unsignedAt(row, 20);
            kernel.gridId = unsignedAt(row, 21);
            kernel.graphNodeId = unsignedAt(row, 22);
            kernel.graphId = smallAt(row, 23);
            return sink(kernel);
        });
}

Result<void> ReportReader::readMemcpys(const RowSink<MemcpyRow>& sink) const
{
    return m_impl->forEach("CUPTI_ACTIVITY_KIND_MEMCPY",
                           {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "copyKind", "srcKind",
                            "dstKind", "graphNodeId"},
                           [&](const SqliteStatement& row) {
                               MemcpyRow copy;
                               copy.start = row.integer(0);
                               copy.end = row.integer(1);
                               copy.deviceId = smallAt(row, 2);
                               copy.contextId = smallAt(row, 3);
                               copy.streamId = smallAt(row, 4);
                               copy.correlationId = smallAt(row, 5);
                               copy.globalPid = unsignedAt(row, 6);
                               copy.bytes = unsignedAt(row, 7);
                               copy.copyKind = byteAt(row, 8, 0);
                               copy.srcKind = byteAt(row, 9, 7);
                               copy.dstKind = byteAt(row, 10, 7);
                               copy.graphNodeId = unsignedAt(row, 11);
                               return sink(copy);
                           });
}

Result<void> ReportReader::readMemsets(const RowSink<MemsetRow>& sink) const
{
    return m_impl->forEach(
        "CUPTI_ACTIVITY_KIND_MEMSET",
        {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "value", "bytes", "memKind", "graphNodeId"},
        [&](const SqliteStatement& row) {
            MemsetRow set;
            set.start = row.integer(0);
            set.end = row.integer(1);
            set.deviceId = smallAt(row, 2);
            set.contextId = smallAt(row, 3);
            set.streamId = smallAt(row, 4);
            set.correlationId = smallAt(row, 5);
            set.globalPid = unsignedAt(row, 6);
            set.value = smallAt(row, 7);
            set.bytes = unsignedAt(row, 8);
            set.memKind = byteAt(row, 9, 7);
            set.graphNodeId = unsignedAt(row, 10);
            return sink(set);
        });
}

Result<void> ReportReader::readSynchronizations(const RowSink<SynchronizationRow>& sink) const
{
    return m_impl->forEach(
        "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
        {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "syncType", "eventId"},
        [&](const SqliteStatement& row) {
            SynchronizationRow sync;
            sync.start = row.integer(0);
            sync.end = row.integer(1);
            sync.deviceId = smallAt(row, 2);
            sync.contextId = smallAt(row, 3);
            sync.streamId = smallAt(row, 4);
            sync.correlationId = smallAt(row, 5);
            sync.globalPid = unsignedAt(row, 6);
            sync.syncType = byteAt(row, 7, 0);
            sync.eventId = smallAt(row, 8);
            return sink(sync);
        });
}

Result<void> ReportReader::readApiCalls(const RowSink<ApiRow>& sink) const
{
    return m_impl->forEach("CUPTI_ACTIVITY_KIND_RUNTIME",
                           {"start", "end", "eventClass", "globalTid", "correlationId", "nameId", "returnValue"},
                           [&](const SqliteStatement& row) {
                               ApiRow call;
                               call.start = row.integer(0);
                               call.end = row.integer(1);
                               call.isDriver = row.integer(2) == 1; // ENUM_NSYS_EVENT_CLASS
                               call.globalTid = unsignedAt(row, 3);
                               call.correlationId = smallAt(row, 4);
                               call.nameId = row.integer(5);
                               call.returnValue = static_cast<std::int32_t>(row.integer(6));
                               return sink(call);
                           });
}

Result<void> ReportReader::readOverheads(const RowSink<OverheadRow>& sink) const
{
    bool ended = false;
    const auto read = [&](const SqliteStatement& row) {
        OverheadRow overhead;
        overhead.start = row.integer(0);
        overhead.end = row.integer(1);
        overhead.globalTid = unsignedAt(row, 2);
        overhead.nameId = row.integer(3);
        overhead.overheadType = byteAt(row, 4, 0);
        ended = !sink(overhead);
        return !ended;
    };
    GANTRY_CHECK(m_impl->forEach("CUPTI_ACTIVITY_KIND_OVERHEAD", {"start", "end", "globalTid", "nameId", "overheadType"}, read));
    if (ended)
        return {};
    return m_impl->forEach("PROFILER_OVERHEAD", {"start", "end", "globalTid", "nameId", "overheadType"}, read);
}

Result<void> ReportReader::readNvtx(const RowSink<NvtxRecord>& sink) const
{
    std::string scratch;
    return m_impl->forEach("NVTX_EVENTS",
                           {"start", "end", "eventType", "rangeId", "category", "color", "globalTid", "endGlobalTid", "textId", "domainId",
                            "uint64Value", "int64Value", "uint32Value", "int32Value", "doubleValue", "floatValue", "text"},
                           [&](const SqliteStatement& row) {
                               NvtxRecord record;
                               NvtxRow& event = record.row;
                               event.start = row.integer(0);
                               event.end = optionalAt<TimestampNs>(row, 1);
                               event.type = static_cast<NvtxEventType>(byteAt(row, 2, 0));
                               event.rangeId = optionalAt<std::uint64_t>(row, 3);
                               event.category = smallAt(row, 4);
                               event.color = smallAt(row, 5);
                               event.globalTid = unsignedAt(row, 6);
                               event.endGlobalTid = optionalAt<std::uint64_t>(row, 7);
                               event.textId = optionalAt<TextId>(row, 8);
                               event.domainId = smallAt(row, 9);
                               event.uint64Value = optionalAt<std::uint64_t>(row, row.isNull(10) ? 12 : 10);
                               event.int64Value = optionalAt<std::int64_t>(row, row.isNull(11) ? 13 : 11);
                               event.doubleValue = optionalAt<double>(row, row.isNull(14) ? 15 : 14);
                               record.text = validUtf8(row.text(16), scratch);
                               return sink(record);
                           });
}

Result<void> ReportReader::readProcesses(const RowSink<ProcessRow>& sink) const
{
    std::string scratch;
    return m_impl->forEach("PROCESSES", {"globalPid", "pid", "name"}, [&](const SqliteStatement& row) {
        return row.isNull(0) || sink({unsignedAt(row, 0), row.integer(1), std::string(validUtf8(row.text(2), scratch))});
    });
}

Result<void> ReportReader::readThreadNames(const RowSink<std::pair<std::uint64_t, TextId>>& sink) const
{
    return m_impl->forEach("ThreadNames", {"globalTid", "nameId"}, [&](const SqliteStatement& row) {
        return row.isNull(0) || sink({unsignedAt(row, 0), row.integer(1)});
    });
}

Result<void> ReportReader::readGpus(const RowSink<GpuInfoRow>& sink) const
{
    std::string scratch;
    bool any = false;
    GANTRY_CHECK(m_impl->forEach("TARGET_INFO_GPU",
                                 {"id", "name", "uuid", "busLocation", "totalMemory", "smCount", "computeMajor", "computeMinor", "cuDevice", "deviceId"},
                                 [&](const SqliteStatement& row) {
                                     any = true;
                                     GpuInfoRow info;
                                     info.gpu.id = smallAt(row, row.isNull(0) ? 9 : 0); // an export of 2021 calls it deviceId
                                     info.gpu.name = validUtf8(row.text(1), scratch);
                                     info.gpu.uuid = validUtf8(row.text(2), scratch);
                                     info.gpu.busLocation = validUtf8(row.text(3), scratch);
                                     info.gpu.totalMemory = unsignedAt(row, 4);
                                     info.gpu.smCount = smallAt(row, 5);
                                     info.gpu.computeMajor = static_cast<int>(row.integer(6));
                                     info.gpu.computeMinor = static_cast<int>(row.integer(7));
                                     info.cudaDevice = optionalAt<std::int64_t>(row, row.isNull(8) ? 9 : 8);
                                     return sink(info);
                                 }));
    if (any)
        return {};
    return m_impl->forEach("TARGET_INFO_CUDA_GPU",
                           {"deviceId", "name", "pciBusId", "globalMemorySize", "numMultiprocessors", "computeCapabilityMajor", "computeCapabilityMinor"},
                           [&](const SqliteStatement& row) {
                               GpuInfoRow info;
                               info.gpu.id = smallAt(row, 0);
                               info.gpu.name = validUtf8(row.text(1), scratch);
                               info.gpu.busLocation = validUtf8(row.text(2), scratch);
                               info.gpu.totalMemory = unsignedAt(row, 3);
                               info.gpu.smCount = smallAt(row, 4);
                               info.gpu.computeMajor = static_cast<int>(row.integer(5));
                               info.gpu.computeMinor = static_cast<int>(row.integer(6));
                               info.cudaDevice = row.integer(0);
                               return sink(info);
                           });
}

Result<void> ReportReader::readCudaDevices(const RowSink<CudaDeviceRow>& sink) const
{
    return m_impl->forEach("TARGET_INFO_CUDA_DEVICE", {"gpuId", "cudaId", "pid"}, [&](const SqliteStatement& row) {
        return sink({optionalAt<std::uint32_t>(row, 0), smallAt(row, 1), row.integer(2)});
    });
}

Result<void> ReportReader::readStreams(const RowSink<StreamRow>& sink) const
{
    return m_impl->forEach("TARGET_INFO_CUDA_STREAM", {"streamId", "contextId", "processId", "priority", "flag"}, [&](const SqliteStatement& row) {
        return sink({smallAt(row, 0), smallAt(row, 1), unsignedAt(row, 2), static_cast<std::int32_t>(row.integer(3)), byteAt(row, 4, 0)});
    });
}

Result<void> ReportReader::readRequests(const RowSink<RequestRow>& sink) const
{
    return m_impl->forEach("GANTRY_REQUESTS",
                           {"requestId", "globalPid", "clientId", "model", "version", "start", "end", "failed", "batchId"},
                           [&](const SqliteStatement& row) {
                               RequestRow request;
                               request.requestId = unsignedAt(row, 0);
                               request.globalPid = unsignedAt(row, 1);
                               request.clientId = optionalAt<TextId>(row, 2);
                               request.model = row.integer(3);
                               request.version = row.integer(4);
                               request.start = optionalAt<TimestampNs>(row, 5);
                               request.end = optionalAt<TimestampNs>(row, 6);
                               request.failed = row.integer(7) != 0;
                               request.batchId = optionalAt<std::uint64_t>(row, 8);
                               return sink(request);
                           });
}

Result<void> ReportReader::readPhases(const RowSink<PhaseRow>& sink) const
{
    return m_impl->forEach("GANTRY_REQUEST_PHASES", {"requestId", "globalPid", "phase", "start", "end"}, [&](const SqliteStatement& row) {
        return sink({unsignedAt(row, 0), unsignedAt(row, 1), row.integer(2), {row.integer(3), row.integer(4)}});
    });
}

Result<void> ReportReader::readExecutions(const RowSink<ExecutionRow>& sink) const
{
    return m_impl->forEach("GANTRY_EXECUTIONS", {"batchId", "globalTid", "model", "version", "instance", "start", "end"},
                           [&](const SqliteStatement& row) {
                               ExecutionRow execution;
                               execution.batchId = unsignedAt(row, 0);
                               execution.globalTid = unsignedAt(row, 1);
                               execution.model = row.integer(2);
                               execution.version = row.integer(3);
                               execution.instance = row.integer(4);
                               execution.start = row.integer(5);
                               execution.end = optionalAt<TimestampNs>(row, 6);
                               return sink(execution);
                           });
}

Result<void> ReportReader::readSeries(const RowSink<metrics::SeriesDefinition>& sink) const
{
    std::string scratch;
    return m_impl->forEach("GANTRY_SERIES", {"id", "name", "unit", "kind", "labels", "help"}, [&](const SqliteStatement& row) {
        metrics::SeriesDefinition series;
        series.id = smallAt(row, 0);
        series.name = validUtf8(row.text(1), scratch);
        series.unit = validUtf8(row.text(2), scratch);
        series.kind = row.integer(3) == 1 ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge;
        series.labels = metrics::parseLabels(validUtf8(row.text(4), scratch)).value_or(metrics::Labels());
        series.help = validUtf8(row.text(5), scratch);
        return sink(series);
    });
}

Result<void> ReportReader::readSamples(const RowSink<metrics::Sample>& sink) const
{
    return m_impl->forEach("GANTRY_SAMPLES", {"seriesId", "time", "value"}, [&](const SqliteStatement& row) {
        return row.isNull(2) || sink({smallAt(row, 0), row.integer(1), row.real(2)});
    });
}

Result<void> ReportReader::readGpuMetricNames(const RowSink<GpuMetricName>& sink) const
{
    std::string scratch;
    return m_impl->forEach("TARGET_INFO_GPU_METRICS", {"typeId", "metricId", "metricName"}, [&](const SqliteStatement& row) {
        return sink({unsignedAt(row, 0), row.integer(1), std::string(validUtf8(row.text(2), scratch))});
    });
}

Result<void> ReportReader::readGpuMetrics(const RowSink<GpuMetricRow>& sink) const
{
    return m_impl->forEach("GPU_METRICS", {"typeId", "metricId", "timestamp", "value"}, [&](const SqliteStatement& row) {
        return row.isNull(3) || sink({unsignedAt(row, 0), row.integer(1), row.integer(2), row.real(3)});
    });
}

Result<void> ReportReader::readLosses(const RowSink<Loss>& sink) const
{
    std::string scratch;
    return m_impl->forEach("GANTRY_LOSSES", {"name", "severity", "count", "help"}, [&](const SqliteStatement& row) {
        Loss loss;
        loss.name = validUtf8(row.text(0), scratch);
        loss.severity = static_cast<LossSeverity>(std::clamp<std::int64_t>(row.integer(1), 0, 2));
        loss.count = unsignedAt(row, 2);
        loss.help = validUtf8(row.text(3), scratch);
        return sink(loss);
    });
}

Result<void> ReportReader::readClocks(const RowSink<ClockRow>& sink) const
{
    return m_impl->forEach("GANTRY_CLOCK_SAMPLES", {"monotonicNs", "realtimeNs", "rawNs", "globalPid"}, [&](const SqliteStatement& row) {
        return sink({row.integer(0), row.integer(1), row.integer(2), unsignedAt(row, 3)});
    });
}

Result<void> ReportReader::readLog(const RowSink<LogRow>& sink) const
{
    std::string scratch;
    return m_impl->forEach("GANTRY_LOG_MARKS", {"time", "source", "text"}, [&](const SqliteStatement& row) {
        LogRow line;
        line.time = row.integer(0);
        line.source = validUtf8(row.text(1), scratch);
        line.text = validUtf8(row.text(2), scratch);
        return sink(line);
    });
}

std::optional<std::uint64_t> ReportReader::rowsPromised(std::string_view table) const
{
    const auto found = m_impl->promisedRows.find(table);
    return found == m_impl->promisedRows.end() ? std::nullopt : std::optional(found->second);
}

} // namespace gantry::report
