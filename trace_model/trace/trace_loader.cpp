#include "trace_model/trace/trace_loader.h"

#include "trace_model/metrics/derived_metrics.h"
#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/schema.h"
#include "trace_model/trace/column_sets.h"
#include "trace_model/trace/track_builder.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <fmt/format.h>
#include <future>
#include <limits>
#include <mutex>
#include <numeric>
#include <unordered_map>

namespace gantry::trace {
namespace {

using report::Database;
using report::TableCursor;

constexpr int kThreads = 2; // that read one table: more than the two cores of a small machine gain little, the file is one

template <typename Enum>
Enum bounded(std::int64_t value, Enum last, Enum otherwise)
{
    return value >= 0 && value <= static_cast<std::int64_t>(last) ? static_cast<Enum>(value) : otherwise;
}

class Loader
{
public:
    Loader(const Database& database, const std::filesystem::path& path, const LoadProgress& progress, std::stop_token stop)
        : m_db(database), m_path(path), m_progress(progress), m_stop(std::move(stop)), m_trace(std::make_shared<Trace>())
    {
    }

    Result<std::shared_ptr<const Trace>> run()
    {
        using Stage = Result<void> (Loader::*)();
        static constexpr std::pair<const char*, Stage> kStages[] = {
            {"meta data", &Loader::loadMeta},       {"strings", &Loader::loadStrings},   {"names", &Loader::loadNames},
            {"kernels", &Loader::loadKernels},      {"memcpys", &Loader::loadMemcpys},   {"memsets", &Loader::loadMemsets},
            {"synchronizations", &Loader::loadSyncs}, {"API calls", &Loader::loadApi},   {"overhead", &Loader::loadOverheads},
            {"NVTX ranges", &Loader::loadNvtx},  {"requests", &Loader::loadRequests},
            {"executions", &Loader::loadExecutions}, {"metrics", &Loader::loadMetrics},  {"losses", &Loader::loadLosses},
            {"row counts", &Loader::checkRowCounts},
        };
        double done = 0;
        for (const auto& [name, stage] : kStages) {
            if (m_progress)
                m_progress(done / std::size(kStages), name);
            GANTRY_CHECK((this->*stage)().context("reading " + std::string(name)));
            done += 1;
        }
        joinExecutions();
        addPhases();
        buildTracks(*m_trace, std::move(m_counters), m_window);
        if (m_progress)
            m_progress(1.0, "done");
        return std::shared_ptr<const Trace>(std::move(m_trace));
    }

private:
    /// Reads every row of a table; the handler gets the cursor. Checks for cancellation and for damage.
    template <typename Handler>
    Result<void> each(const char* table, std::initializer_list<const char*> columns, Handler handler)
    {
        GANTRY_TRY(TableCursor cursor, m_db.rows(table, columns));
        std::uint64_t n = 0;
        while (cursor.next()) {
            if (++n % 65536 == 0 && m_stop.stop_requested())
                return Error{ErrorCode::Cancelled, "opening the report was cancelled", {}};
            handler(cursor);
        }
        if (cursor.error())
            return *cursor.error();
        m_rowsRead[table] = n;
        return {};
    }

    /// The same for a large table, parts of it at the same time: `handler(part, row)` fills a Part of its own for each. It must write
    /// nothing else but what is guarded. The parts come back in the order of the table's rows.
    template <typename Part, typename Handler>
    Result<std::vector<Part>> readInParts(const char* table, std::initializer_list<const char*> names, Handler handler)
    {
        GANTRY_TRY(std::vector<TableCursor> cursors, m_db.parts(table, names, kThreads));
        std::vector<Part> parts(cursors.size());
        std::atomic<std::uint64_t> rows = 0;
        const auto read = [&](std::size_t i) -> Result<void> {
            std::uint64_t n = 0;
            while (cursors[i].next()) {
                if (++n % 65536 == 0 && m_stop.stop_requested())
                    return Error{ErrorCode::Cancelled, "opening the report was cancelled", {}};
                handler(parts[i], cursors[i]);
            }
            rows += n;
            return cursors[i].error() ? Result<void>(*cursors[i].error()) : Result<void>();
        };
        std::vector<std::future<Result<void>>> others; // a future carries an exception to this thread, too
        for (std::size_t i = 1; i < parts.size(); ++i)
            others.push_back(std::async(std::launch::async, read, i));
        Result<void> result = read(0);
        for (auto& other : others)
            if (Result<void> done = other.get(); !done && result)
                result = std::move(done);
        GANTRY_CHECK(std::move(result));
        m_rowsRead[table] = rows;
        return parts;
    }

    /// A table whose rows are events of one kind, into their columns, sorted by start.
    template <typename Columns, typename Handler>
    Result<void> loadEvents(Columns& into, const char* table, std::initializer_list<const char*> names, Handler handler)
    {
        GANTRY_TRY(std::vector<Columns> parts, readInParts<Columns>(table, names, handler));
        for (Columns& part : parts)
            appendColumns(into, std::move(part));
        sortByStart(into);
        return {};
    }

    /// A report of ours says how many rows it was written with.
    Result<void> checkRowCounts()
    {
        const std::string_view prefix = report::meta::kRowCountPrefix;
        return each("GANTRY_META", {"name", "value"}, [&](TableCursor& row) {
            const std::string name(row.text(0));
            const auto read = name.starts_with(prefix) ? m_rowsRead.find(name.substr(prefix.size())) : m_rowsRead.end();
            if (read == m_rowsRead.end() || read->second == static_cast<std::uint64_t>(row.integer(1)))
                return;
            m_trace->meta.warnings.push_back(fmt::format("table {} holds {} rows where {} were written: the report was altered after it was made", read->first, read->second, row.integer(1)));
        });
    }

    /// Our id of a text of the file; ids that the file does not define read as "(unknown)".
    StringId text(std::int64_t fileId)
    {
        const auto found = m_texts.find(fileId);
        return found == m_texts.end() ? m_unknown : found->second;
    }

    Result<void> loadMeta()
    {
        TraceMeta& meta = m_trace->meta;
        meta.title = m_path.filename().string();
        meta.complete = true;
        std::map<std::string, std::string> exported;
        for (const char* table : {"META_DATA_EXPORT", "EXPORT_META_DATA"}) // the latter until 2023.2
            GANTRY_CHECK(each(table, {"name", "value"}, [&](TableCursor& row) { exported[std::string(row.text(0))] = row.text(1); }));
        GANTRY_CHECK(each("META_DATA_CAPTURE", {"name", "value"}, [&](TableCursor& row) { meta.settings[std::string(row.text(0))] = row.text(1); }));
        GANTRY_CHECK(checkFormat(exported));
        GANTRY_CHECK(each("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs"}, [&](TableCursor& row) { meta.sessionUtcNs = row.integer(0); }));
        GANTRY_CHECK(each("ANALYSIS_DETAILS", {"startTime", "stopTime"}, [&](TableCursor& row) {
            if (checkTimes(row.integer(0), row.integer(1)))
                m_window = {row.integer(0), row.integer(1)};
        }));
        takeGantryKeys();
        return each("TARGET_INFO_GPU", {"id", "name", "uuid", "cuDevice"}, [&](TableCursor& row) {
            const std::int64_t ordinal = row.integer(3, row.integer(0));
            if (ordinal >= 0 && ordinal < 1024)
                meta.gpus.push_back({static_cast<std::uint32_t>(ordinal), std::string(row.text(1)), std::string(row.text(2))});
        });
    }

    Result<void> checkFormat(const std::map<std::string, std::string>& exported)
    {
        const auto value = [&](const char* key) {
            const auto found = exported.find(key);
            return found == exported.end() ? std::string() : found->second;
        };
        TraceMeta& meta = m_trace->meta;
        const std::string version = value("GANTRY_FORMAT_VERSION");
        if (!version.empty()) {
            int number = 0;
            std::from_chars(version.data(), version.data() + version.size(), number);
            if (number < 1 || number > report::kReportFormatVersion)
                return Error{ErrorCode::UnsupportedVersion,
                             fmt::format("the report was written by a newer Gantry (format {}, this one reads up to {}): update Gantry", version, report::kReportFormatVersion),
                             {}};
            meta.format = "gantry";
            meta.producer = "Gantry " + value("EXPORT_PRODUCT_VERSION");
            return {};
        }
        bool known = false;
        for (const std::string& table : m_db.tableNames())
            known = known || table == "StringIds" || table == "NVTX_EVENTS" || table == "OSRT_API" || table.starts_with("CUPTI_ACTIVITY_KIND_");
        if (!known)
            return Error{ErrorCode::NotAReport, "this SQLite file is neither a Gantry report nor an Nsight Systems export, it has none of their tables: choose another file", {}};
        meta.format = "nsys-sqlite";
        const std::string product = value("EXPORT_PRODUCT_VERSION");
        meta.producer = product.empty() ? "NVIDIA Nsight Systems (version unknown)" : "NVIDIA Nsight Systems " + product;
        return {};
    }

    /// Moves what Gantry gives a meaning to from the settings to members.
    void takeGantryKeys()
    {
        namespace key = report::meta;
        TraceMeta& meta = m_trace->meta;
        const auto take = [&](const char* name) {
            const auto node = meta.settings.extract(name);
            return node.empty() ? std::string() : std::move(node.mapped());
        };
        const auto takeNumber = [&](const char* name, auto& member) {
            const std::string text = take(name);
            typename std::remove_reference_t<decltype(member)>::value_type value{};
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error == std::errc{} && end == text.data() + text.size())
                member = value;
        };
        if (std::string label = take(key::kLabel); !label.empty())
            meta.title = std::move(label);
        if (std::string host = take(key::kHostName); !host.empty())
            meta.hostName = std::move(host);
        meta.targetName = take(key::kTargetName);
        meta.targetExited = take(key::kTargetExited) == "1";
        if (const std::string complete = take(key::kComplete); !complete.empty())
            meta.complete = complete == "1";
        takeNumber(key::kClockErrorNs, meta.clockErrorNs);
        takeNumber(key::kWindowCostRatio, meta.windowCostRatio);
        takeNumber(key::kWindowCostError, meta.windowCostError);
        takeNumber(key::kOpenCostNs, meta.openCost);
        takeNumber(key::kCloseCostNs, meta.closeCost);
    }

    Result<void> loadStrings()
    {
        m_unknown = m_trace->strings.intern("(unknown)");
        return each("StringIds", {"id", "value"}, [&](TableCursor& row) { m_texts.emplace(row.integer(0), m_trace->strings.intern(row.text(1))); });
    }

    Result<void> loadNames()
    {
        GANTRY_CHECK(each("ThreadNames", {"globalTid", "nameId"}, [&](TableCursor& row) {
            m_trace->threadNames[static_cast<std::uint64_t>(row.integer(0))] = m_trace->strings[text(row.integer(1))];
        }));
        return each("PROCESSES", {"globalPid", "name"}, [&](TableCursor& row) {
            m_trace->processNames[static_cast<std::uint64_t>(row.integer(0))] = row.text(1);
        });
    }

    /// False, and counted, for times that are none: an end before the start, or further from the session's start than any recording.
    bool checkTimes(TimestampNs start, TimestampNs end)
    {
        constexpr TimestampNs kFurthest = TimestampNs{1} << 58; // nine years; sums and multiples of lengths stay within 64 bits
        const bool isGood = start >= -kFurthest && end <= kFurthest && start <= end;
        m_badTimes += !isGood;
        return isGood;
    }

    /// False, and counted, for rows whose times make no event.
    bool takeTimes(EventColumns& columns, const TableCursor& row)
    {
        if (row.isNull(0) || row.isNull(1)) {
            ++m_badTimes;
            return false;
        }
        if (!checkTimes(row.integer(0), row.integer(1)))
            return false;
        columns.start.push_back(row.integer(0));
        columns.end.push_back(row.integer(1));
        return true;
    }

    static std::uint32_t number(const TableCursor& row, std::size_t column) { return static_cast<std::uint32_t>(row.integer(column)); }
    static std::uint64_t wide(const TableCursor& row, std::size_t column) { return static_cast<std::uint64_t>(row.integer(column)); }

    Result<void> loadKernels()
    {
        return loadEvents(m_trace->kernels, "CUPTI_ACTIVITY_KIND_KERNEL",
                          {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "shortName", "demangledName", "mangledName",
                           "gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "registersPerThread", "staticSharedMemory", "dynamicSharedMemory", "graphNodeId"},
                          [&](KernelColumns& c, const TableCursor& row) {
            if (!takeTimes(c, row))
                return;
            c.device.push_back(number(row, 2));
            c.context.push_back(number(row, 3));
            c.stream.push_back(number(row, 4));
            c.correlation.push_back(number(row, 5));
            c.globalPid.push_back(wide(row, 6));
            const auto nameOf = [&](std::initializer_list<std::size_t> choices) {
                for (const std::size_t column : choices)
                    if (!row.isNull(column) && m_texts.contains(row.integer(column)))
                        return text(row.integer(column));
                return m_unknown;
            };
            c.shortName.push_back(nameOf({7, 8, 9}));
            c.demangledName.push_back(nameOf({8, 7, 9}));
            c.grid.push_back({number(row, 10), number(row, 11), number(row, 12)});
            c.block.push_back({number(row, 13), number(row, 14), number(row, 15)});
            c.registersPerThread.push_back(number(row, 16));
            c.staticSharedMemory.push_back(number(row, 17));
            c.dynamicSharedMemory.push_back(number(row, 18));
            c.graphNodeId.push_back(wide(row, 19));
        });
    }

    Result<void> loadMemcpys()
    {
        return loadEvents(m_trace->memcpys, "CUPTI_ACTIVITY_KIND_MEMCPY",
                          {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "copyKind", "srcKind", "dstKind"},
                          [&](MemcpyColumns& c, const TableCursor& row) {
            if (!takeTimes(c, row))
                return;
            c.device.push_back(number(row, 2));
            c.context.push_back(number(row, 3));
            c.stream.push_back(number(row, 4));
            c.correlation.push_back(number(row, 5));
            c.globalPid.push_back(wide(row, 6));
            c.bytes.push_back(wide(row, 7));
            c.copyKind.push_back(bounded(row.integer(8), CopyKind::UvmDtoD, CopyKind::Unknown));
            c.sourceKind.push_back(bounded(row.integer(9, 7), MemoryKind::Unknown, MemoryKind::Unknown));
            c.destinationKind.push_back(bounded(row.integer(10, 7), MemoryKind::Unknown, MemoryKind::Unknown));
        });
    }

    Result<void> loadMemsets()
    {
        return loadEvents(m_trace->memsets, "CUPTI_ACTIVITY_KIND_MEMSET",
                          {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "value", "memKind"},
                          [&](MemsetColumns& c, const TableCursor& row) {
            if (!takeTimes(c, row))
                return;
            c.device.push_back(number(row, 2));
            c.context.push_back(number(row, 3));
            c.stream.push_back(number(row, 4));
            c.correlation.push_back(number(row, 5));
            c.globalPid.push_back(wide(row, 6));
            c.bytes.push_back(wide(row, 7));
            c.value.push_back(number(row, 8));
            c.memoryKind.push_back(bounded(row.integer(9, 7), MemoryKind::Unknown, MemoryKind::Unknown));
        });
    }

    Result<void> loadSyncs()
    {
        return loadEvents(m_trace->synchronizations, "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
                          {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "syncType"}, [&](SynchronizationColumns& c, const TableCursor& row) {
            if (!takeTimes(c, row))
                return;
            c.device.push_back(number(row, 2));
            c.context.push_back(number(row, 3));
            c.stream.push_back(number(row, 4));
            c.correlation.push_back(number(row, 5));
            c.globalPid.push_back(wide(row, 6));
            c.type.push_back(bounded(row.integer(7), SyncType::ContextSync, SyncType::Unknown));
        });
    }

    Result<void> loadApi()
    {
        return loadEvents(m_trace->apiCalls, "CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "end", "globalTid", "correlationId", "nameId", "returnValue", "eventClass"},
                          [&](ApiCallColumns& c, const TableCursor& row) {
            if (!takeTimes(c, row))
                return;
            c.globalTid.push_back(wide(row, 2));
            c.correlation.push_back(number(row, 3));
            c.name.push_back(text(row.integer(4)));
            c.returnValue.push_back(static_cast<std::int32_t>(row.integer(5)));
            c.isDriver.push_back(row.integer(6) == 1);
        });
    }

    Result<void> loadOverheads()
    {
        OverheadColumns& c = m_trace->overheads;
        for (const char* table : {"CUPTI_ACTIVITY_KIND_OVERHEAD", "PROFILER_OVERHEAD"})
            GANTRY_CHECK(each(table, {"start", "end", "globalTid", "nameId"}, [&](TableCursor& row) {
                if (!takeTimes(c, row))
                    return;
                c.globalTid.push_back(wide(row, 2));
                c.name.push_back(text(row.integer(3)));
            }));
        sortByStart(c);
        return {};
    }

    /// What a part of NVTX_EVENTS holds. Domains are named by rows of the same table, for one process: numbers until all is read.
    struct NvtxPart
    {
        NvtxRangeColumns ranges;
        NvtxMarkColumns marks;
        std::vector<std::int64_t> rangeDomains, markDomains;
        std::vector<std::tuple<std::uint64_t, std::int64_t, StringId>> domains; ///< process, number, name
        std::vector<std::pair<std::uint64_t, StringId>> threads;
    };

    StringId nvtxText(const TableCursor& row, std::size_t textColumn, std::size_t idColumn)
    {
        if (row.isNull(textColumn) && !row.isNull(idColumn))
            return text(row.integer(idColumn));
        const std::lock_guard lock(m_internMutex);
        return m_trace->strings.intern(row.text(textColumn));
    }

    void takeNvtx(NvtxPart& part, const TableCursor& row)
    {
        const std::int64_t type = row.integer(2);
        const std::uint64_t tid = wide(row, 3);
        if (type == 75)
            part.domains.emplace_back(Trace::processOf(tid), row.integer(4), nvtxText(row, 5, 6));
        else if (type == 39)
            part.threads.emplace_back(tid, nvtxText(row, 5, 6));
        const bool isPushPop = type == 59 || type == 70;
        const bool isStartEnd = type == 60 || type == 71;
        const bool isMark = type == 34 || type == 65;
        if ((!isPushPop && !isStartEnd && !isMark) || row.isNull(0))
            return;
        const TimestampNs start = row.integer(0), end = std::max(row.integer(1, start), start);
        if (!checkTimes(start, end))
            return;
        std::optional<std::uint64_t> payload;
        for (std::size_t column = 9; column <= 12 && !payload; ++column)
            if (const auto value = row.optionalInteger(column))
                payload = static_cast<std::uint64_t>(*value);
        const auto common = [&](auto& columns, std::vector<std::int64_t>& domains) {
            columns.start.push_back(start);
            columns.end.push_back(isMark ? start : end);
            columns.globalTid.push_back(tid);
            columns.text.push_back(nvtxText(row, 5, 6));
            columns.category.push_back(number(row, 7));
            columns.color.push_back(number(row, 8));
            columns.payload.push_back(payload);
            domains.push_back(row.integer(4));
        };
        if (isMark)
            return common(part.marks, part.markDomains);
        common(part.ranges, part.rangeDomains);
        part.ranges.isOpen.push_back(row.isNull(1));
        part.ranges.isStartEnd.push_back(isStartEnd);
    }

    Result<void> loadNvtx()
    {
        GANTRY_TRY(auto parts, readInParts<NvtxPart>("NVTX_EVENTS",
                                                     {"start", "end", "eventType", "globalTid", "domainId", "text", "textId", "category", "color", "uint64Value", "int64Value",
                                                      "uint32Value", "int32Value"},
                                                     [&](NvtxPart& part, const TableCursor& row) { takeNvtx(part, row); }));
        std::map<std::pair<std::uint64_t, std::int64_t>, StringId> domains; // process and number
        for (const NvtxPart& part : parts) {
            for (const auto& [process, number, name] : part.domains)
                domains[{process, number}] = name;
            for (const auto& [tid, name] : part.threads)
                m_trace->threadNames.try_emplace(tid, m_trace->strings[name]);
        }
        const auto nameDomains = [&](auto& columns, const std::vector<std::int64_t>& numbers) {
            for (std::size_t i = 0; i < numbers.size(); ++i) {
                const auto found = domains.find({Trace::processOf(columns.globalTid[i]), numbers[i]});
                columns.domain.push_back(found == domains.end() ? StringId() : found->second);
            }
        };
        for (NvtxPart& part : parts) {
            nameDomains(part.ranges, part.rangeDomains);
            nameDomains(part.marks, part.markDomains);
            appendColumns(m_trace->nvtxRanges, std::move(part.ranges));
            appendColumns(m_trace->nvtxMarks, std::move(part.marks));
        }
        sortByStart(m_trace->nvtxRanges);
        sortByStart(m_trace->nvtxMarks);
        extendOpenRanges();
        return {};
    }

    /// Ranges that never ended reach to the end of the window, or of what was recorded.
    void extendOpenRanges()
    {
        TimestampNs end = m_window.end;
        for (int kind = 0; kind < kEventKindCount; ++kind)
            for (const TimestampNs t : m_trace->columns(static_cast<EventKind>(kind)).end)
                end = m_window.isEmpty() ? std::max(end, t) : end;
        NvtxRangeColumns& r = m_trace->nvtxRanges;
        for (std::size_t i = 0; i < r.size(); ++i)
            if (r.isOpen[i])
                r.end[i] = std::max(end, r.start[i]);
    }

    Result<void> loadRequests()
    {
        GANTRY_CHECK(each("GANTRY_REQUESTS", {"globalPid", "requestId", "clientId", "model", "version", "start", "end", "failed", "batchId"}, [&](TableCursor& row) {
            if (!checkTimes(row.integer(5, row.integer(6, 0)), row.integer(6, row.integer(5, 0))))
                return;
            Request request;
            request.id = wide(row, 1);
            if (!row.isNull(2))
                request.clientId = text(row.integer(2));
            request.model = text(row.integer(3));
            request.version = text(row.integer(4));
            request.cutByWindow = row.isNull(5) || row.isNull(6);
            request.time = {row.integer(5, kNoTime), row.integer(6, kNoTime)};
            request.failed = row.integer(7) != 0;
            m_requestIndex[{wide(row, 0), request.id}] = m_trace->requests.size();
            m_batchOf.push_back({wide(row, 0), row.isNull(8) ? std::nullopt : std::optional(wide(row, 8))});
            m_trace->requests.push_back(std::move(request));
        }));
        return each("GANTRY_REQUEST_PHASES", {"globalPid", "requestId", "phase", "start", "end"}, [&](TableCursor& row) {
            const auto request = m_requestIndex.find({wide(row, 0), wide(row, 1)});
            const std::int64_t phase = row.integer(2, -1);
            if (request != m_requestIndex.end() && phase >= 0 && phase < records::kRequestPhaseCount && checkTimes(row.integer(3), row.integer(4)))
                m_trace->requests[request->second].phases[static_cast<std::size_t>(phase)] = TimeRange{row.integer(3), row.integer(4)};
        });
    }

    Result<void> loadExecutions()
    {
        return each("GANTRY_EXECUTIONS", {"batchId", "globalTid", "model", "version", "instance", "start", "end"}, [&](TableCursor& row) {
            const TimestampNs start = row.integer(5), end = row.integer(6, std::max(m_window.end, start));
            if (!checkTimes(start, end))
                return;
            Execution execution;
            execution.batchId = wide(row, 0);
            execution.globalTid = wide(row, 1);
            execution.model = text(row.integer(2));
            execution.version = text(row.integer(3));
            execution.instance = text(row.integer(4));
            execution.time = {start, end};
            m_trace->executions.push_back(std::move(execution));
        });
    }

    /// Fills in the sides that the window cut off, orders requests by start and joins them to their executions.
    void joinExecutions()
    {
        Trace& t = *m_trace;
        std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> executionOf; // by process and batch
        std::stable_sort(t.executions.begin(), t.executions.end(), [](const auto& a, const auto& b) { return a.time.start < b.time.start; });
        for (std::uint32_t i = 0; i < t.executions.size(); ++i)
            executionOf[{Trace::processOf(t.executions[i].globalTid), t.executions[i].batchId}] = i;
        for (Request& request : t.requests) {
            TimestampNs first = m_window.end, last = m_window.start;
            for (const auto& phase : request.phases)
                if (phase) {
                    first = std::min(first, phase->start);
                    last = std::max(last, phase->end);
                }
            if (request.time.start == kNoTime)
                request.time.start = std::min(first, m_window.start);
            if (request.time.end == kNoTime)
                request.time.end = std::max({last, m_window.end, request.time.start});
        }
        std::vector<std::uint32_t> order(t.requests.size());
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return t.requests[a].time.start < t.requests[b].time.start; });
        std::vector<Request> sorted;
        sorted.reserve(order.size());
        for (const std::uint32_t old : order) {
            Request request = std::move(t.requests[old]);
            const auto& [process, batch] = m_batchOf[old];
            if (const auto execution = batch ? executionOf.find({process, *batch}) : executionOf.end(); execution != executionOf.end()) {
                request.execution = ExecutionIndex(execution->second);
                t.executions[execution->second].members.push_back(RequestIndex(static_cast<std::uint32_t>(sorted.size())));
            }
            sorted.push_back(std::move(request));
        }
        t.requests = std::move(sorted);
    }

    struct PhaseRow
    {
        TimeRange time;
        RequestIndex request;
        records::RequestPhase phase;
    };

    void addPhases()
    {
        std::vector<PhaseRow> rows;
        for (std::uint32_t i = 0; i < m_trace->requests.size(); ++i)
            addPhasesOf(RequestIndex(i), rows);
        std::stable_sort(rows.begin(), rows.end(), [](const PhaseRow& a, const PhaseRow& b) { return a.time.start < b.time.start; });
        PhaseColumns& c = m_trace->phases;
        for (const PhaseRow& row : rows) {
            c.start.push_back(row.time.start);
            c.end.push_back(row.time.end);
            c.request.push_back(row.request);
            c.phase.push_back(row.phase);
        }
    }

    /// The phases of a request and the gaps around them, so that all of its time is there. What lies outside the window is unknown:
    /// a request that it cuts has gaps only when nothing else is known of it.
    void addPhasesOf(RequestIndex index, std::vector<PhaseRow>& rows) const
    {
        const Request& request = m_trace->requests[index.value];
        bool hasPhases = false;
        for (std::size_t phase = 0; phase < request.phases.size(); ++phase)
            if (const auto& time = request.phases[phase]) {
                rows.push_back({*time, index, static_cast<records::RequestPhase>(phase)});
                hasPhases = true;
            }
        if (request.cutByWindow && hasPhases)
            return;
        for (const TimeRange& gap : request.outsidePhases())
            rows.push_back({gap, index, records::RequestPhase::Outside});
    }

    Result<void> loadLosses()
    {
        GANTRY_CHECK(each("GANTRY_LOSSES", {"name", "severity", "count", "help"}, [&](TableCursor& row) {
            m_trace->losses.push_back({std::string(row.text(0)), bounded(row.integer(1), LossSeverity::Error, LossSeverity::Warning), wide(row, 2), std::string(row.text(3))});
        }));
        if (m_badTimes > 0)
            m_trace->losses.push_back({"rows_without_times", LossSeverity::Warning, m_badTimes, "Rows of the report whose end is missing or before their start, or whose times are no times: not shown."});
        GANTRY_CHECK(each("DIAGNOSTIC_EVENT", {"severity", "text"}, [&](TableCursor& row) {
            if (row.integer(0) == 2 || row.integer(0) == 3)
                m_trace->meta.warnings.emplace_back(row.text(1));
        }));
        for (const char* table : {"OSRT_API", "CUDNN_EVENTS", "CUBLAS_EVENTS", "CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "SCHED_EVENTS", "COMPOSITE_EVENTS"})
            if (const std::int64_t rows = m_db.rowCount(table))
                m_trace->meta.warnings.push_back(fmt::format("{} rows of table {} are not shown by this version", rows, table));
        return {};
    }

    /// Series become rows as people read them, at the time of the sample; a rate is that since the sample before.
    Result<void> loadMetrics()
    {
        metrics::SeriesStore store(std::numeric_limits<std::size_t>::max());
        GANTRY_CHECK(each("GANTRY_SERIES", {"id", "name", "unit", "kind", "labels"}, [&](TableCursor& row) {
            store.define({static_cast<std::uint32_t>(row.integer(0)), std::string(row.text(1)), std::string(row.text(2)),
                          row.integer(3) == 1 ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge, metrics::parseLabels(row.text(4)), {}});
        }));
        std::vector<metrics::Sample> samples;
        GANTRY_CHECK(each("GANTRY_SAMPLES", {"seriesId", "time", "value"}, [&](TableCursor& row) {
            if (checkTimes(row.integer(1), row.integer(1)))
                samples.push_back({static_cast<std::uint32_t>(row.integer(0)), row.integer(1), row.real(2)});
        }));
        std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
        for (const metrics::Sample& sample : samples)
            store.append(sample);
        constexpr TimeRange kAlways{std::numeric_limits<TimestampNs>::min(), std::numeric_limits<TimestampNs>::max()};
        for (metrics::DerivedMetric& metric : metrics::derivedMetrics(store, kAlways, 0))
            m_counters.push_back(trackOf(std::move(metric)));
        return loadGpuMetrics();
    }

    static Track trackOf(metrics::DerivedMetric metric)
    {
        Track track;
        track.name = metric.subject.empty() ? std::move(metric.name) : metric.subject + ' ' + metric.name;
        track.counter.unit = std::move(metric.unit);
        track.counter.source = std::move(metric.source);
        for (const metrics::Point& point : metric.points) {
            track.counter.time.push_back(point.time);
            track.counter.value.push_back(point.value);
        }
        return track;
    }

    Result<void> loadGpuMetrics()
    {
        std::map<std::pair<std::int64_t, std::int64_t>, Track> tracks;
        GANTRY_CHECK(each("TARGET_INFO_GPU_METRICS", {"typeId", "metricId", "metricName"}, [&](TableCursor& row) {
            tracks[{row.integer(0), row.integer(1)}].name = row.text(2);
        }));
        GANTRY_CHECK(each("GPU_METRICS", {"typeId", "metricId", "timestamp", "value"}, [&](TableCursor& row) {
            if (const auto track = tracks.find({row.integer(0), row.integer(1)}); track != tracks.end() && checkTimes(row.integer(2), row.integer(2))) {
                track->second.counter.time.push_back(row.integer(2));
                track->second.counter.value.push_back(row.real(3));
            }
        }));
        for (auto& [key, track] : tracks) {
            sortByStart(track.counter);
            if (!track.counter.time.empty())
                m_counters.push_back(std::move(track));
        }
        return {};
    }

    const Database& m_db;
    const std::filesystem::path& m_path;
    const LoadProgress& m_progress;
    std::stop_token m_stop;
    std::shared_ptr<Trace> m_trace;
    TimeRange m_window;
    std::vector<Track> m_counters;
    StringId m_unknown;
    std::mutex m_internMutex; ///< of the string table while parts of NVTX_EVENTS are read
    std::atomic<std::uint64_t> m_badTimes = 0;
    std::map<std::string, std::uint64_t> m_rowsRead; ///< by table
    std::unordered_map<std::int64_t, StringId> m_texts; ///< by the file's id; ids may be sparse
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> m_requestIndex;
    std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> m_batchOf; ///< process and batch, by request
};

} // namespace

Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress, std::stop_token stop)
{
    GANTRY_TRY(const Database database, Database::open(path));
    return Loader(database, path, progress, std::move(stop)).run().context("opening " + path.filename().string());
}

} // namespace gantry::trace
