#include "trace_model/import/sqlite_report.h"

#include "trace_model/base/parallel.h"
#include "trace_model/metrics/derived_metrics.h"
#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/schema.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

namespace gantry::importing {
namespace {

using report::Database;
using report::TableCursor;
using Names = std::initializer_list<const char*>;

constexpr std::uint64_t processOf(std::uint64_t globalTid)
{
    return globalTid & ~std::uint64_t{0xFFFFFF};
}

std::uint32_t number(const TableCursor& row, std::size_t column)
{
    return static_cast<std::uint32_t>(row.integer(column));
}

std::uint64_t wide(const TableCursor& row, std::size_t column)
{
    return static_cast<std::uint64_t>(row.integer(column));
}

std::uint8_t small(const TableCursor& row, std::size_t column, std::uint8_t otherwise)
{
    const std::int64_t value = row.integer(column, otherwise);
    return value >= 0 && value < 255 ? static_cast<std::uint8_t>(value) : otherwise;
}

/// Our ids of the file's texts. The file's are mostly small numbers; files that were cut from others have few and large ones.
class TextMap
{
public:
    void add(std::int64_t fileId, TextId text)
    {
        constexpr std::int64_t kSlack = 4096;
        if (fileId < 0 || fileId > static_cast<std::int64_t>(m_dense.size()) * 2 + kSlack) {
            m_sparse[fileId] = text;
            return;
        }
        if (static_cast<std::size_t>(fileId) >= m_dense.size())
            m_dense.resize(static_cast<std::size_t>(fileId) + 1);
        m_dense[static_cast<std::size_t>(fileId)] = text;
    }
    /// 0 when the file does not define it.
    [[nodiscard]] TextId operator[](std::int64_t fileId) const
    {
        if (fileId >= 0 && static_cast<std::size_t>(fileId) < m_dense.size() && m_dense[static_cast<std::size_t>(fileId)] != 0)
            return m_dense[static_cast<std::size_t>(fileId)];
        const auto found = m_sparse.find(fileId);
        return found == m_sparse.end() ? 0 : found->second;
    }

private:
    std::vector<TextId> m_dense;
    std::unordered_map<std::int64_t, TextId> m_sparse;
};

/// What a worker thread has for itself.
struct Worker
{
    RowSink* rows = nullptr;
    TableTally tally;
    std::unordered_map<std::string, TextId> texts; ///< of rows that hold their text instead of an id
};

class Reader
{
public:
    Reader(const Database& database, EventSink& sink, const ReadControl& control) : m_db(database), m_sink(sink), m_control(control)
    {
        for (Worker& worker : m_workers)
            worker.rows = &sink.rows();
        if (control.sampleBytes != 0)
            m_oneOf = database.fileBytes() / control.sampleBytes + 1;
    }

    Result<void> run()
    {
        struct Stage
        {
            const char* name;
            double weight; ///< of the time it takes in a large report
            Result<void> (Reader::*read)();
        };
        static constexpr Stage kStages[] = {
            {"meta data", 1, &Reader::readMeta},
            {"strings", 2, &Reader::readStrings},
            {"names", 1, &Reader::readNames},
            {"kernels", 35, &Reader::readKernels},
            {"memcpys", 5, &Reader::readMemcpys},
            {"memsets", 2, &Reader::readMemsets},
            {"synchronizations", 3, &Reader::readSynchronizations},
            {"CUDA graphs", 1, &Reader::readGraphs},
            {"ranges on streams", 1, &Reader::readGpuRanges},
            {"API calls", 25, &Reader::readApiCalls},
            {"library and OS calls", 5, &Reader::readOtherCalls},
            {"overhead", 1, &Reader::readOverheads},
            {"NVTX ranges", 15, &Reader::readNvtx},
            {"requests", 3, &Reader::readRequests},
            {"executions", 1, &Reader::readExecutions},
            {"metrics", 3, &Reader::readMetrics},
            {"summaries", 1, &Reader::readSummaries},
            {"losses", 1, &Reader::readLosses},
        };
        double all = 0;
        for (const Stage& stage : kStages)
            all += stage.weight;
        for (const Stage& stage : kStages) {
            m_stage = stage.name;
            m_stageShare = stage.weight / all;
            progress(0);
            GANTRY_CHECK((this->*stage.read)().context("reading " + std::string(stage.name)));
            m_stageStart += m_stageShare;
        }
        if (m_oneOf > 1)
            return {};
        GANTRY_CHECK(tallyTheRest());
        return checkRowCounts();
    }

private:
    void progress(double stageFraction)
    {
        if (m_control.progress)
            m_control.progress(m_stageStart + stageFraction * m_stageShare, m_stage);
    }

    /// Reads every row of a small table; the handler gets the cursor. Checks for cancellation and for damage.
    template <typename Handler>
    Result<void> each(const char* table, Names columns, Handler handler)
    {
        GANTRY_TRY(TableCursor cursor, m_db.rows(table, columns));
        std::uint64_t n = 0;
        while (cursor.next()) {
            if (++n % kRowsBetweenChecks == 0 && m_control.stop.stop_requested())
                return cancelled();
            handler(cursor);
        }
        if (cursor.error())
            return *cursor.error();
        m_read.insert(table);
        if (n > 0)
            m_sink.report().table(table).keep(n);
        return {};
    }

    /// The same for a table of events, parts of it at the same time: `handler(worker, row)` says why it did not use the row, or null.
    template <typename Handler>
    Result<void> eachEvent(const char* table, Names columns, Handler handler)
    {
        GANTRY_TRY(std::vector<TableCursor> cursors, m_db.parts(table, columns, kWorkers, m_oneOf));
        std::vector<std::function<void()>> tasks;
        for (std::size_t i = 0; i < cursors.size(); ++i)
            tasks.emplace_back([&, i] {
                Worker& worker = m_workers[i];
                TableCursor& cursor = cursors[i];
                std::uint64_t n = 0, kept = 0;
                while (cursor.next()) {
                    if (++n % kRowsBetweenChecks == 0) {
                        if (m_control.stop.stop_requested())
                            return;
                        if (i == 0)
                            progress(cursor.fraction());
                    }
                    if (const char* reason = handler(worker, cursor))
                        worker.tally.skip(reason);
                    else
                        ++kept;
                }
                worker.tally.keep(kept);
            });
        inParallel(std::move(tasks));
        if (m_control.stop.stop_requested())
            return cancelled();
        for (const TableCursor& cursor : cursors)
            if (cursor.error())
                return *cursor.error();
        m_read.insert(table);
        for (Worker& worker : m_workers)
            if (const TableTally tally = std::exchange(worker.tally, {}); tally.rows > 0)
                m_sink.report().table(table).merge(tally);
        return {};
    }

    static constexpr std::uint64_t kRowsBetweenChecks = 65536;
    static constexpr const char* kNoTimes = "without times, or with times that are none";
    static Error cancelled() { return {ErrorCode::Cancelled, "opening the report was cancelled", {}}; }

    /// Fills in the times of a row, columns 0 and 1.
    template <typename Row>
    static bool takeTimes(Row& event, const TableCursor& row)
    {
        event.start = row.integer(0);
        event.end = row.integer(1);
        return !row.isNull(0) && !row.isNull(1) && areEventTimes(event.start, event.end);
    }

    /// Fills in columns 0 to 6 of a table of GPU work.
    template <typename Row>
    bool takeWork(Row& event, const TableCursor& row) const
    {
        if (!takeTimes(event, row))
            return false;
        event.globalPid = wide(row, 6);
        event.deviceId = deviceOf(event.globalPid, number(row, 2));
        event.contextId = number(row, 3);
        event.streamId = number(row, 4);
        event.correlationId = number(row, 5);
        return true;
    }

    // ---- what the file says about itself ----

    Result<void> readMeta()
    {
        TraceMeta& meta = m_sink.meta();
        std::map<std::string, std::string> exported;
        for (const char* table : {"META_DATA_EXPORT", "EXPORT_META_DATA"}) // the latter until 2023.2
            GANTRY_CHECK(each(table, {"name", "value"}, [&](TableCursor& row) { exported[std::string(row.text(0))] = row.text(1); }));
        GANTRY_CHECK(each("META_DATA_CAPTURE", {"name", "value"}, [&](TableCursor& row) { meta.settings[std::string(row.text(0))] = row.text(1); }));
        GANTRY_CHECK(checkFormat(exported));
        GANTRY_CHECK(each("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs", "systemClockNs"}, [&](TableCursor& row) {
            meta.sessionUtcNs = row.integer(0);
            meta.sessionMonotonicNs = row.integer(1);
        }));
        GANTRY_CHECK(each("ANALYSIS_DETAILS", {"startTime", "stopTime"}, [&](TableCursor& row) {
            if (areEventTimes(row.integer(0), row.integer(1)))
                m_window = {row.integer(0), row.integer(1)};
        }));
        m_sink.setWindow(m_window);
        takeGantryKeys();
        std::string& clock = m_sink.report().clock;
        clock += (clock.empty() ? "" : " ");
        clock += meta.sessionUtcNs != 0 ? "Times count from the session's start, whose wall clock is known." : "Times count from the session's start.";
        return readGpus();
    }

    /// Devices are numbered as each process sees them: newer exports say which GPU that is.
    Result<void> readGpus()
    {
        GANTRY_CHECK(each("TARGET_INFO_CUDA_DEVICE", {"gpuId", "cudaId", "pid"}, [&](TableCursor& row) {
            if (!row.isNull(0))
                m_gpuOf[{static_cast<std::uint32_t>(row.integer(2)) & 0xFFFFFF, number(row, 1)}] = number(row, 0);
        }));
        return each("TARGET_INFO_GPU", {"id", "name", "uuid", "cuDevice"}, [&](TableCursor& row) {
            const std::int64_t device = m_gpuOf.empty() ? row.integer(3, row.integer(0)) : row.integer(0);
            if (device >= 0 && device < 1024)
                m_sink.meta().gpus.push_back({static_cast<std::uint32_t>(device), std::string(row.text(1)), std::string(row.text(2))});
        });
    }

    [[nodiscard]] std::uint32_t deviceOf(std::uint64_t globalPid, std::uint32_t ordinal) const
    {
        if (m_gpuOf.empty())
            return ordinal;
        const auto found = m_gpuOf.find({static_cast<std::uint32_t>(globalPid >> 24 & 0xFFFFFF), ordinal});
        return found == m_gpuOf.end() ? ordinal : found->second;
    }

    Result<void> checkFormat(const std::map<std::string, std::string>& exported)
    {
        const auto value = [&](const char* key) {
            const auto found = exported.find(key);
            return found == exported.end() ? std::string() : found->second;
        };
        TraceMeta& meta = m_sink.meta();
        const std::string version = value("GANTRY_FORMAT_VERSION");
        if (!version.empty()) {
            int format = 0;
            std::from_chars(version.data(), version.data() + version.size(), format);
            if (format < 1 || format > report::kReportFormatVersion)
                return Error{ErrorCode::UnsupportedVersion,
                             fmt::format("the report was written by a newer Gantry (format {}, this one reads up to {}): update Gantry", version, report::kReportFormatVersion),
                             {}};
            meta.format = "gantry";
            meta.producer = "Gantry " + value("EXPORT_PRODUCT_VERSION");
            m_sink.report().format = "Gantry report";
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
        const std::string schema = value("EXPORT_SCHEMA_VERSION");
        m_sink.report().format = schema.empty() ? "Nsight Systems SQLite export" : "Nsight Systems SQLite export, schema " + schema;
        return {};
    }

    /// Moves what Gantry gives a meaning to from the settings to members.
    void takeGantryKeys()
    {
        namespace key = report::meta;
        TraceMeta& meta = m_sink.meta();
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
        if (const auto producer = meta.settings.extract(key::kSourceProducer); !producer.empty())
            meta.producer = producer.mapped(); // which may be unknown
        meta.targetExited = take(key::kTargetExited) == "1";
        if (const std::string complete = take(key::kComplete); !complete.empty())
            meta.complete = complete == "1";
        takeNumber(key::kClockErrorNs, meta.clockErrorNs);
        takeNumber(key::kWindowCostRatio, meta.windowCostRatio);
        takeNumber(key::kWindowCostError, meta.windowCostError);
        takeNumber(key::kOpenCostNs, meta.openCost);
        takeNumber(key::kCloseCostNs, meta.closeCost);
    }

    Result<void> readStrings()
    {
        return each("StringIds", {"id", "value"}, [&](TableCursor& row) { m_texts.add(row.integer(0), m_sink.intern(row.text(1))); });
    }

    Result<void> readNames()
    {
        GANTRY_CHECK(each("ThreadNames", {"globalTid", "nameId"}, [&](TableCursor& row) {
            if (const TextId name = m_texts[row.integer(1)]; name != 0) { // a renamed thread has several: the last one counts
                m_sink.nameThread(wide(row, 0), name);
                m_namedThreads.insert(wide(row, 0));
            }
        }));
        GANTRY_CHECK(each("PROCESSES", {"globalPid", "name"}, [&](TableCursor& row) { m_sink.nameProcess(wide(row, 0), row.text(1)); }));
        return readStreamNames();
    }

    /// NVTX names, the default stream of a context, priorities. Streams with nothing to say keep their number alone.
    Result<void> readStreamNames()
    {
        std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> deviceOfContext; // by pid and context
        GANTRY_CHECK(each("TARGET_INFO_CUDA_CONTEXT_INFO", {"nullStreamId", "processId", "deviceId", "contextId"}, [&](TableCursor& row) {
            const std::uint32_t device = deviceOf(static_cast<std::uint64_t>(row.integer(1)) << 24, number(row, 2));
            deviceOfContext[{row.integer(1), row.integer(3)}] = device;
            if (!row.isNull(0))
                m_sink.nameStream(device, number(row, 3), number(row, 0), fmt::format("Stream {} · default", number(row, 0)));
        }));
        GANTRY_CHECK(each("TARGET_INFO_CUDA_STREAM", {"streamId", "processId", "contextId", "priority"}, [&](TableCursor& row) {
            const auto priority = static_cast<std::int32_t>(number(row, 3)); // signed, stored unsigned
            const auto device = deviceOfContext.find({row.integer(1), row.integer(2)});
            if (priority != 0 && device != deviceOfContext.end())
                m_sink.nameStream(device->second, number(row, 2), number(row, 0), fmt::format("Stream {} · priority {}", number(row, 0), priority));
        }));
        GANTRY_CHECK(each("GANTRY_STREAM_NAMES", {"deviceId", "contextId", "streamId", "name"}, [&](TableCursor& row) {
            m_sink.nameStream(number(row, 0), number(row, 1), number(row, 2), row.text(3));
        }));
        return each("TARGET_INFO_NVTX_CUDA_STREAM", {"name", "processId", "deviceId", "contextId", "streamId"}, [&](TableCursor& row) {
            m_sink.nameStream(deviceOf(static_cast<std::uint64_t>(row.integer(1)) << 24, number(row, 2)), number(row, 3), number(row, 4),
                              fmt::format("{} · stream {}", row.text(0), number(row, 4)));
        });
    }

    // ---- events ----

    Result<void> readKernels()
    {
        return eachEvent("CUPTI_ACTIVITY_KIND_KERNEL",
                         {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "shortName", "demangledName", "mangledName", "gridX", "gridY",
                          "gridZ", "blockX", "blockY", "blockZ", "registersPerThread", "staticSharedMemory", "dynamicSharedMemory", "graphNodeId"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            report::KernelRow kernel;
            if (!takeWork(kernel, row))
                return kNoTimes;
            kernel.shortName = m_texts[row.integer(7)];
            kernel.demangledName = m_texts[row.integer(8)];
            if (kernel.shortName == 0 && kernel.demangledName == 0)
                kernel.mangledName = m_texts[row.integer(9)];
            kernel.grid = {number(row, 10), number(row, 11), number(row, 12)};
            kernel.block = {number(row, 13), number(row, 14), number(row, 15)};
            kernel.registersPerThread = number(row, 16);
            kernel.staticSharedMemory = number(row, 17);
            kernel.dynamicSharedMemory = number(row, 18);
            kernel.graphNodeId = wide(row, 19);
            worker.rows->add(kernel);
            return nullptr;
        });
    }

    Result<void> readMemcpys()
    {
        return eachEvent("CUPTI_ACTIVITY_KIND_MEMCPY",
                         {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "copyKind", "srcKind", "dstKind"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            report::MemcpyRow copy;
            if (!takeWork(copy, row))
                return kNoTimes;
            copy.bytes = wide(row, 7);
            copy.copyKind = small(row, 8, 0);
            copy.srcKind = small(row, 9, 7);
            copy.dstKind = small(row, 10, 7);
            worker.rows->add(copy);
            return nullptr;
        });
    }

    Result<void> readMemsets()
    {
        return eachEvent("CUPTI_ACTIVITY_KIND_MEMSET",
                         {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "bytes", "value", "memKind"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            report::MemsetRow set;
            if (!takeWork(set, row))
                return kNoTimes;
            set.bytes = wide(row, 7);
            set.value = number(row, 8);
            set.memKind = small(row, 9, 7);
            worker.rows->add(set);
            return nullptr;
        });
    }

    Result<void> readSynchronizations()
    {
        return eachEvent("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
                         {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "syncType", "eventId"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            report::SynchronizationRow sync;
            if (!takeWork(sync, row))
                return kNoTimes;
            sync.syncType = small(row, 7, 0);
            sync.eventId = number(row, 8);
            worker.rows->add(sync);
            return nullptr;
        });
    }

    Result<void> readGraphs()
    {
        return eachEvent("CUPTI_ACTIVITY_KIND_GRAPH_TRACE",
                         {"start", "end", "deviceId", "contextId", "streamId", "correlationId", "globalPid", "graphId"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            GraphRow graph;
            if (!takeWork(graph, row))
                return kNoTimes;
            graph.graphId = number(row, 7);
            worker.rows->add(graph);
            return nullptr;
        });
    }

    Result<void> readGpuRanges()
    {
        return eachEvent("GANTRY_GPU_RANGES", {"start", "end", "deviceId", "contextId", "streamId", "globalPid", "textId"},
                         [&](Worker& worker, const TableCursor& row) -> const char* {
            GpuRangeRow range;
            if (!takeTimes(range, row))
                return kNoTimes;
            range.globalPid = wide(row, 5);
            range.deviceId = deviceOf(range.globalPid, number(row, 2));
            range.contextId = number(row, 3);
            range.streamId = number(row, 4);
            range.textId = m_texts[row.integer(6)];
            worker.rows->add(range);
            return nullptr;
        });
    }

    Result<void> readCalls(const char* table, std::optional<CallKind> kind)
    {
        return eachEvent(table, {"start", "end", "globalTid", "correlationId", "nameId", "returnValue", "eventClass"},
                         [&, kind](Worker& worker, const TableCursor& row) -> const char* {
            CallRow call;
            if (!takeTimes(call, row))
                return kNoTimes;
            constexpr std::int64_t kDriverClass = 1; // ENUM_NSYS_EVENT_CLASS
            call.globalTid = wide(row, 2);
            call.correlationId = kind ? 0 : number(row, 3);
            call.nameId = m_texts[row.integer(4)];
            call.returnValue = static_cast<std::int32_t>(row.integer(5));
            call.kind = kind.value_or(row.integer(6) == kDriverClass ? CallKind::CudaDriver : CallKind::CudaRuntime);
            worker.rows->add(call);
            return nullptr;
        });
    }

    Result<void> readApiCalls() { return readCalls("CUPTI_ACTIVITY_KIND_RUNTIME", std::nullopt); }

    Result<void> readOtherCalls()
    {
        GANTRY_CHECK(readCalls("CUBLAS_EVENTS", CallKind::Library));
        GANTRY_CHECK(readCalls("CUDNN_EVENTS", CallKind::Library));
        return readCalls("OSRT_API", CallKind::OsRuntime);
    }

    Result<void> readOverheads()
    {
        for (const char* table : {"CUPTI_ACTIVITY_KIND_OVERHEAD", "PROFILER_OVERHEAD"})
            GANTRY_CHECK(eachEvent(table, {"start", "end", "globalTid", "nameId"}, [&](Worker& worker, const TableCursor& row) -> const char* {
                report::OverheadRow overhead;
                if (!takeTimes(overhead, row))
                    return kNoTimes;
                overhead.globalTid = wide(row, 2);
                overhead.nameId = m_texts[row.integer(3)];
                worker.rows->add(overhead);
                return nullptr;
            }));
        return {};
    }

    // ---- NVTX ----

    enum NvtxColumn { kStart, kEnd, kType, kTid, kDomain, kText, kTextId, kCategory, kColor, kFirstPayload, kLastPayload = kFirstPayload + 3 };

    TextId nvtxText(Worker& worker, const TableCursor& row)
    {
        if (row.isNull(kText))
            return row.isNull(kTextId) ? m_sink.intern("") : m_texts[row.integer(kTextId)];
        const auto [found, isNew] = worker.texts.try_emplace(std::string(row.text(kText)), 0);
        if (isNew)
            found->second = m_sink.intern(found->first);
        return found->second;
    }

    /// Domains are numbered for each process, and named by rows that may come after their ranges.
    TextId domainOf(Worker& worker, std::uint64_t tid, std::int64_t domain)
    {
        if (domain == 0)
            return 0;
        const std::string placeholder = fmt::format("NVTX domain {} of process {}", domain, processOf(tid) >> 24 & 0xFFFFFF);
        const auto [found, isNew] = worker.texts.try_emplace(placeholder, 0);
        if (isNew)
            found->second = m_sink.intern(placeholder);
        return found->second;
    }

    Result<void> readNvtx()
    {
        std::array<std::vector<std::pair<TextId, TextId>>, kWorkers> domains;
        std::array<std::vector<std::pair<std::uint64_t, TextId>>, kWorkers> threads;
        GANTRY_CHECK(eachEvent("NVTX_EVENTS",
                               {"start", "end", "eventType", "globalTid", "domainId", "text", "textId", "category", "color", "uint64Value", "int64Value", "uint32Value",
                                "int32Value"},
                               [&](Worker& worker, const TableCursor& row) -> const char* {
            const auto part = static_cast<std::size_t>(&worker - m_workers.data());
            constexpr std::int64_t kDomainCreate = 75, kThread = 39;
            const std::int64_t type = row.integer(kType);
            if (type == kDomainCreate) {
                domains[part].emplace_back(domainOf(worker, wide(row, kTid), row.integer(kDomain)), nvtxText(worker, row));
                return nullptr;
            }
            if (type == kThread) {
                threads[part].emplace_back(wide(row, kTid), nvtxText(worker, row));
                return nullptr;
            }
            return takeNvtx(worker, row, type);
        }));
        for (std::size_t part = 0; part < domains.size(); ++part) {
            for (const auto& [text, meaning] : domains[part])
                m_sink.nameDomain(text, meaning);
            for (const auto& [tid, name] : threads[part])
                if (name != 0 && !m_namedThreads.contains(tid))
                    m_sink.nameThread(tid, name);
        }
        return {};
    }

    const char* takeNvtx(Worker& worker, const TableCursor& row, std::int64_t type)
    {
        const bool isPushPop = type == 59 || type == 70;
        const bool isStartEnd = type == 60 || type == 71;
        const bool isMark = type == 34 || type == 65;
        constexpr std::int64_t kCategoryName = 33, kDomainDestroy = 76;
        if (type == kCategoryName || type == kDomainDestroy)
            return nullptr;
        if (!isPushPop && !isStartEnd && !isMark)
            return "of a type that is not shown";
        const TimestampNs start = row.integer(kStart);
        if (row.isNull(kStart) || !areEventTimes(start, std::max(start, row.integer(kEnd, start))))
            return kNoTimes;
        std::optional<std::uint64_t> payload;
        for (std::size_t column = kFirstPayload; column <= kLastPayload && !payload; ++column)
            if (const auto value = row.optionalInteger(column))
                payload = static_cast<std::uint64_t>(*value);
        const TextId domain = domainOf(worker, wide(row, kTid), row.integer(kDomain));
        if (isMark) {
            worker.rows->add(MarkRow{start, wide(row, kTid), nvtxText(worker, row), domain, number(row, kCategory), number(row, kColor), payload});
            return nullptr;
        }
        RangeRow range{start, {}, wide(row, kTid), nvtxText(worker, row), domain, number(row, kCategory), number(row, kColor), payload, isStartEnd};
        if (!row.isNull(kEnd))
            range.end = std::max(start, row.integer(kEnd));
        worker.rows->add(range);
        return nullptr;
    }

    // ---- requests and metrics: Gantry's tables ----

    Result<void> readRequests()
    {
        std::vector<report::RequestRow> requests;
        std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> index;
        GANTRY_CHECK(each("GANTRY_REQUESTS", {"globalPid", "requestId", "clientId", "model", "version", "start", "end", "failed", "batchId", "parentId"}, [&](TableCursor& row) {
            if (!areEventTimes(row.integer(5, row.integer(6, 0)), row.integer(6, row.integer(5, 0)))) {
                ++m_badRequests;
                return;
            }
            report::RequestRow request;
            request.globalPid = wide(row, 0);
            request.requestId = wide(row, 1);
            if (!row.isNull(2))
                request.clientId = m_texts[row.integer(2)];
            request.model = m_texts[row.integer(3)];
            request.version = m_texts[row.integer(4)];
            request.start = row.optionalInteger(5);
            request.end = row.optionalInteger(6);
            request.failed = row.integer(7) != 0;
            if (!row.isNull(8))
                request.batchId = wide(row, 8);
            if (!row.isNull(9))
                request.parentId = wide(row, 9);
            index[{request.globalPid, request.requestId}] = requests.size();
            requests.push_back(request);
        }));
        GANTRY_CHECK(each("GANTRY_REQUEST_PHASES", {"globalPid", "requestId", "phase", "start", "end"}, [&](TableCursor& row) {
            const auto request = index.find({wide(row, 0), wide(row, 1)});
            const std::int64_t phase = row.integer(2, -1);
            if (request != index.end() && phase >= 0 && phase < records::kRequestPhaseCount && areEventTimes(row.integer(3), row.integer(4)))
                requests[request->second].phases[static_cast<std::size_t>(phase)] = TimeRange{row.integer(3), row.integer(4)};
        }));
        for (const report::RequestRow& request : requests)
            m_sink.add(request);
        return {};
    }

    Result<void> readExecutions()
    {
        return each("GANTRY_EXECUTIONS", {"batchId", "globalTid", "model", "version", "instance", "start", "end"}, [&](TableCursor& row) {
            report::ExecutionRow execution;
            execution.start = row.integer(5);
            execution.end = row.optionalInteger(6);
            if (!areEventTimes(execution.start, execution.end.value_or(execution.start))) {
                ++m_badRequests;
                return;
            }
            execution.batchId = wide(row, 0);
            execution.globalTid = wide(row, 1);
            execution.model = m_texts[row.integer(2)];
            execution.version = m_texts[row.integer(3)];
            execution.instance = m_texts[row.integer(4)];
            m_sink.add(execution);
        });
    }

    /// Series become rows as people read them, at the time of the sample; a rate is that since the sample before. What was saved as it
    /// was shown is such a row already.
    Result<void> readMetrics()
    {
        constexpr std::int64_t kLine = 2; // ENUM_GANTRY_SERIES_KIND
        metrics::SeriesStore store(std::numeric_limits<std::size_t>::max());
        std::map<std::uint32_t, std::uint32_t> lines; // counters by id
        GANTRY_CHECK(each("GANTRY_SERIES", {"id", "name", "unit", "kind", "labels"}, [&](TableCursor& row) {
            if (row.integer(3) == kLine)
                lines[number(row, 0)] = m_sink.define({std::string(row.text(1)), std::string(row.text(2)), {}, metrics::parseLabels(row.text(4))["source"]});
            else
                store.define({number(row, 0), std::string(row.text(1)), std::string(row.text(2)),
                          row.integer(3) == 1 ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge, metrics::parseLabels(row.text(4)), {}});
        }));
        std::vector<metrics::Sample> samples;
        GANTRY_CHECK(each("GANTRY_SAMPLES", {"seriesId", "time", "value"}, [&](TableCursor& row) {
            if (!areEventTimes(row.integer(1), row.integer(1)))
                return;
            if (const auto line = lines.find(number(row, 0)); line != lines.end())
                m_workers[0].rows->add(CounterSample{line->second, row.integer(1), row.real(2)});
            else
                samples.push_back({number(row, 0), row.integer(1), row.real(2)});
        }));
        std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
        for (const metrics::Sample& sample : samples)
            store.append(sample);
        constexpr TimeRange kAlways{std::numeric_limits<TimestampNs>::min(), std::numeric_limits<TimestampNs>::max()};
        for (const metrics::DerivedMetric& metric : metrics::derivedMetrics(store, kAlways, 0)) {
            const std::uint32_t counter = m_sink.define({metric.name, metric.unit, metric.subject, metric.source});
            for (const metrics::Point& point : metric.points)
                if (std::isfinite(point.value))
                    m_workers[0].rows->add(CounterSample{counter, point.time, point.value});
        }
        return readGpuMetrics();
    }

    Result<void> readGpuMetrics()
    {
        std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> counters; // by type and metric
        GANTRY_CHECK(each("TARGET_INFO_GPU_METRICS", {"typeId", "metricId", "metricName"}, [&](TableCursor& row) {
            // The low bits of the type are the GPU's index.
            const std::string group = fmt::format("GPU {}", row.integer(0) & 0xFF);
            counters.try_emplace({row.integer(0), row.integer(1)}, m_sink.define({std::string(row.text(2)), {}, group, {}}));
        }));
        return eachEvent("GPU_METRICS", {"typeId", "metricId", "timestamp", "value"}, [&](Worker& worker, const TableCursor& row) -> const char* {
            const auto counter = counters.find({row.integer(0), row.integer(1)});
            if (counter == counters.end())
                return "of a metric without a name";
            if (!areEventTimes(row.integer(2), row.integer(2)))
                return kNoTimes;
            if (row.isNull(3) || !std::isfinite(row.real(3)))
                return "without a value";
            worker.rows->add(CounterSample{counter->second, row.integer(2), row.real(3)});
            return nullptr;
        });
    }

    /// Tables without times, cell by cell.
    Result<void> readSummaries()
    {
        std::vector<SummaryTable> tables;
        GANTRY_CHECK(each("GANTRY_SUMMARIES", {"name", "row", "cell", "value"}, [&](TableCursor& row) {
            if (tables.empty() || tables.back().name != row.text(0))
                tables.push_back({std::string(row.text(0)), {}, {}});
            SummaryTable& table = tables.back();
            if (row.integer(1) == 0) {
                table.columns.emplace_back(row.text(3));
                return;
            }
            if (row.integer(2) == 0)
                table.rows.emplace_back();
            if (!table.rows.empty() && table.rows.back().size() < table.columns.size())
                table.rows.back().emplace_back(row.text(3));
        }));
        for (SummaryTable& table : tables) {
            for (std::vector<std::string>& cells : table.rows)
                cells.resize(table.columns.size());
            m_sink.add(std::move(table));
        }
        return {};
    }

    // ---- what was lost, and what is not shown ----

    Result<void> readLosses()
    {
        GANTRY_CHECK(each("GANTRY_LOSSES", {"name", "severity", "count", "help"}, [&](TableCursor& row) {
            const std::int64_t severity = row.integer(1);
            m_sink.add(Loss{std::string(row.text(0)), severity >= 0 && severity <= static_cast<std::int64_t>(LossSeverity::Error) ? static_cast<LossSeverity>(severity) : LossSeverity::Warning,
                            wide(row, 2), std::string(row.text(3))});
        }));
        return each("DIAGNOSTIC_EVENT", {"severity", "text"}, [&](TableCursor& row) {
            if (row.integer(0) == 2 || row.integer(0) == 3)
                m_sink.meta().warnings.emplace_back(row.text(1));
        });
    }

    /// Tables that nothing reads, with the number of their rows.
    Result<void> tallyTheRest()
    {
        std::uint64_t bad = m_badRequests;
        for (const TableTally& table : m_sink.report().tables)
            for (const SkippedRows& skipped : table.skipped)
                bad += skipped.reason == kNoTimes ? skipped.count : 0;
        if (bad > 0)
            m_sink.add(Loss{"rows_without_times", LossSeverity::Warning, bad, "Rows of the report whose end is missing or before their start, or whose times are no times: not shown."});
        for (const std::string& table : m_db.tableNames()) {
            if (m_control.stop.stop_requested())
                return cancelled();
            constexpr std::string_view kDescriptive[] = {"ENUM_", "TARGET_INFO_", "META_DATA", "EXPORT_META", "GANTRY_", "sqlite_", "ProcessStreams", "NVTX_PAYLOAD"};
            if (m_read.contains(table) || std::any_of(std::begin(kDescriptive), std::end(kDescriptive), [&](std::string_view prefix) { return table.starts_with(prefix); }))
                continue;
            if (const std::int64_t rows = m_db.rowCount(table); rows > 0)
                m_sink.report().table(table).skip("this version does not show them", static_cast<std::uint64_t>(rows));
        }
        return {};
    }

    /// A report of ours says how many rows it was written with.
    Result<void> checkRowCounts()
    {
        const std::string_view prefix = report::meta::kRowCountPrefix;
        std::map<std::string, std::uint64_t> read;
        for (const TableTally& table : m_sink.report().tables)
            read[table.name] = table.rows;
        return each("GANTRY_META", {"name", "value"}, [&](TableCursor& row) {
            const std::string name(row.text(0));
            if (!name.starts_with(prefix) || !m_read.contains(name.substr(prefix.size())))
                return;
            const std::string table = name.substr(prefix.size());
            if (read[table] != static_cast<std::uint64_t>(row.integer(1)))
                m_sink.meta().warnings.push_back(
                    fmt::format("table {} holds {} rows where {} were written: the report was altered after it was made", table, read[table], row.integer(1)));
        });
    }

    const Database& m_db;
    EventSink& m_sink;
    const ReadControl& m_control;
    std::array<Worker, kWorkers> m_workers;
    std::uint64_t m_oneOf = 1; ///< of so many rows of large tables one is read
    const char* m_stage = "";
    double m_stageStart = 0, m_stageShare = 0;
    TimeRange m_window;
    TextMap m_texts;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> m_gpuOf; ///< by pid and the process's device number; empty: the file does not say
    std::set<std::uint64_t> m_namedThreads;
    std::set<std::string> m_read;    ///< tables
    std::uint64_t m_badRequests = 0; ///< requests and executions whose times are none
};

} // namespace

Result<void> readSqliteReport(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    GANTRY_TRY(const Database database, Database::open(path));
    return Reader(database, sink, control).run();
}

} // namespace gantry::importing
