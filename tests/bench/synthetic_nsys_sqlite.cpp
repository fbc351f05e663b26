#include "tests/bench/synthetic_trace.h"
#include "tests/bench/synthetic_training.h"
#include "tests/bench/table_pages.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace gantry::bench {

namespace {

constexpr std::int64_t kPid = 4711;
constexpr std::int64_t kGlobalPid = std::int64_t{1} << 56 | kPid << 24;
constexpr std::array<std::int64_t, 2> kGlobalTids = {kGlobalPid | kPid, kGlobalPid | 4790};

// Tables and columns of the export of 2024.1.
constexpr char kSchema[] = R"(
CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE ThreadNames (nameId INTEGER NOT NULL, priority INTEGER, globalTid INTEGER);
CREATE TABLE PROCESSES (globalPid INTEGER, pid INTEGER, name TEXT);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER, utcTime TEXT, localTime TEXT);
CREATE TABLE TARGET_INFO_GPU (vmId INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT, busLocation TEXT, isDiscrete INTEGER, l2CacheSize INTEGER,
 totalMemory INTEGER, memoryBandwidth INTEGER, clockRate INTEGER, smCount INTEGER, pwGpuId INTEGER, uuid TEXT, luid INTEGER, chipName TEXT, cuDevice INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
 greenContextId INTEGER, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
 mangledName INTEGER, launchType INTEGER, cacheConfig INTEGER, registersPerThread INTEGER NOT NULL, gridX INTEGER NOT NULL, gridY INTEGER NOT NULL,
 gridZ INTEGER NOT NULL, blockX INTEGER NOT NULL, blockY INTEGER NOT NULL, blockZ INTEGER NOT NULL, staticSharedMemory INTEGER NOT NULL,
 dynamicSharedMemory INTEGER NOT NULL, localMemoryPerThread INTEGER NOT NULL, localMemoryTotal INTEGER NOT NULL, gridId INTEGER NOT NULL,
 sharedMemoryExecuted INTEGER, graphNodeId INTEGER, sharedMemoryLimitConfig INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
 greenContextId INTEGER, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, bytes INTEGER NOT NULL, copyKind INTEGER NOT NULL,
 deprecatedSrcId INTEGER, srcKind INTEGER, dstKind INTEGER, srcDeviceId INTEGER, srcContextId INTEGER, dstDeviceId INTEGER, dstContextId INTEGER,
 migrationCause INTEGER, graphNodeId INTEGER, virtualAddress INTEGER, copyCount INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL, globalTid INTEGER,
 correlationId INTEGER, nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL, callchainId INTEGER);
CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, rangeId INTEGER, category INTEGER, color INTEGER, text TEXT,
 globalTid INTEGER, endGlobalTid INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER, int64Value INTEGER, doubleValue REAL,
 uint32Value INTEGER, int32Value INTEGER, floatValue REAL, jsonTextId INTEGER, jsonText TEXT, binaryData TEXT);
)";

struct SqliteCloser
{
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using SqliteHandle = std::unique_ptr<sqlite3, SqliteCloser>;

/// Ids in StringIds, which holds every text before the first event.
struct TextIds
{
    std::vector<std::int64_t> demangled, shortNames, calls, operators, layers;
};

/// Root pages of the tables that are filled page by page.
struct Roots
{
    std::uint32_t kernels = 0, memcpys = 0, calls = 0, ranges = 0;
};

/// What the library writes: the tables, and the rows of the small ones.
class Preparation
{
public:
    static Result<Preparation> make(const std::filesystem::path& path)
    {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
        Preparation preparation;
        sqlite3* database = nullptr;
        const int opened = sqlite3_open(path.c_str(), &database);
        preparation.m_database.reset(database);
        if (opened != SQLITE_OK)
            return Error{ErrorCode::CannotWrite, fmt::format("cannot write {}: {}", path.string(), sqlite3_errmsg(database)), {}};
        preparation.execute("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
        preparation.execute(kSchema);
        preparation.fill();
        preparation.execute("COMMIT");
        preparation.m_database.reset();
        if (!preparation.m_error.empty())
            return Error{ErrorCode::CannotWrite, fmt::format("cannot write {}: {}", path.string(), preparation.m_error), {}};
        return preparation;
    }

    TextIds texts;
    Roots roots;

private:
    void execute(const std::string& sql)
    {
        if (m_error.empty() && sqlite3_exec(m_database.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            m_error = sqlite3_errmsg(m_database.get());
    }

    std::int64_t addText(const std::string& text)
    {
        execute(fmt::format("INSERT INTO StringIds VALUES ({}, '{}')", ++m_texts, text)); // no name holds an apostrophe
        return m_texts;
    }

    void fill()
    {
        const SyntheticNames& names = syntheticNames();
        for (const SyntheticNames::Kernel& kernel : names.kernels) {
            texts.demangled.push_back(addText(kernel.demangled));
            texts.shortNames.push_back(addText(kernel.shortName));
        }
        for (const std::string& call : names.calls)
            texts.calls.push_back(addText(call + "_v7000")); // the export adds the API version
        for (const std::string& name : names.operators)
            texts.operators.push_back(addText(name));
        for (const std::string& name : names.layers)
            texts.layers.push_back(addText(name));
        execute(fmt::format("INSERT INTO ThreadNames VALUES ({}, 30, {})", addText("main"), kGlobalTids[0]));
        execute(fmt::format("INSERT INTO ThreadNames VALUES ({}, 30, {})", addText("pt_autograd_0"), kGlobalTids[1]));
        execute(fmt::format("INSERT INTO PROCESSES VALUES ({}, {}, 'python')", kGlobalPid, kPid));
        execute("INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_PRODUCT_NAME', 'synthetic'), ('EXPORT_SCHEMA_VERSION', '3.7.4')");
        execute(fmt::format("INSERT INTO TARGET_INFO_SESSION_START_TIME (utcEpochNs) VALUES ({})", kSyntheticUtcNs));
        execute("INSERT INTO TARGET_INFO_GPU (vmId, id, name, totalMemory, smCount, cuDevice) VALUES (0, 0, 'NVIDIA H100 80GB HBM3', "
                "85031714816, 132, 0)");
        roots = {rootOf("CUPTI_ACTIVITY_KIND_KERNEL"), rootOf("CUPTI_ACTIVITY_KIND_MEMCPY"), rootOf("CUPTI_ACTIVITY_KIND_RUNTIME"),
                 rootOf("NVTX_EVENTS")};
    }

    std::uint32_t rootOf(const char* table)
    {
        std::uint32_t root = 0;
        const auto take = [](void* to, int, char** values, char**) {
            *static_cast<std::uint32_t*>(to) = static_cast<std::uint32_t>(std::stoul(values[0]));
            return 0;
        };
        const std::string sql = fmt::format("SELECT rootpage FROM sqlite_master WHERE name = '{}'", table);
        if (m_error.empty() && sqlite3_exec(m_database.get(), sql.c_str(), take, &root, nullptr) != SQLITE_OK)
            m_error = sqlite3_errmsg(m_database.get());
        return root;
    }

    SqliteHandle m_database;
    std::string m_error; ///< the first
    std::int64_t m_texts = 0;
};

class EventWriter
{
public:
    EventWriter(PageAppender& file, const Preparation& preparation)
        : m_texts(preparation.texts),
          m_kernels(file, preparation.roots.kernels),
          m_memcpys(file, preparation.roots.memcpys),
          m_calls(file, preparation.roots.calls),
          m_ranges(file, preparation.roots.ranges)
    {
    }

    Result<void> add(const SyntheticStep& step)
    {
        for (const SyntheticRange& range : step.ranges)
            GANTRY_CHECK(add(range));
        for (const SyntheticCall& call : step.calls)
            GANTRY_CHECK(add(call));
        // Work of the next step starts after this one's last call: what starts before that is complete and can be sorted.
        m_pending.insert(m_pending.end(), step.work.begin(), step.work.end());
        std::sort(m_pending.begin(), m_pending.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
        const TimestampNs known = step.ranges.front().end;
        const auto end = std::lower_bound(m_pending.begin(), m_pending.end(), known,
                                          [](const auto& work, TimestampNs time) { return work.start < time; });
        for (auto work = m_pending.begin(); work != end; ++work)
            GANTRY_CHECK(add(*work));
        m_pending.erase(m_pending.begin(), end);
        return {};
    }

    Result<SyntheticSums> finish()
    {
        for (const SyntheticWork& work : m_pending)
            GANTRY_CHECK(add(work));
        for (TablePages* table : {&m_kernels, &m_memcpys, &m_calls, &m_ranges})
            GANTRY_CHECK(table->finish());
        return m_sums;
    }

private:
    template <typename Event>
    void begin(const Event& event, SyntheticSum& sum)
    {
        ++sum.count;
        sum.start += static_cast<std::uint64_t>(event.start);
        sum.duration += static_cast<std::uint64_t>(event.end - event.start);
        m_row.clear();
        m_row.integer(event.start);
        m_row.integer(event.end);
    }

    void integers(std::initializer_list<std::int64_t> values)
    {
        for (const std::int64_t value : values)
            m_row.integer(value);
    }

    void nulls(int count)
    {
        for (int i = 0; i < count; ++i)
            m_row.null();
    }

    Result<void> add(const SyntheticRange& range)
    {
        constexpr std::int64_t kPushPopRange = 59;
        begin(range, m_sums.ranges);
        m_row.integer(kPushPopRange);
        nulls(3); // rangeId, category, color
        // As the tool does it: registered texts by their id, plain ones in the row.
        if (range.level == SyntheticRange::Level::Step)
            m_row.text(fmt::format("ProfilerStep#{}", range.index));
        else
            m_row.null();
        m_row.integer(kGlobalTids[range.thread]);
        m_row.null(); // endGlobalTid
        if (range.level == SyntheticRange::Level::Step)
            m_row.null();
        else
            m_row.integer((range.level == SyntheticRange::Level::Layer ? m_texts.layers : m_texts.operators)[range.index]);
        m_row.integer(0); // domainId
        nulls(9);         // payloads
        return m_ranges.add(m_row);
    }

    Result<void> add(const SyntheticCall& call)
    {
        begin(call, m_sums.calls);
        m_sums.calls.correlation += call.correlation;
        integers({0, kGlobalTids[call.thread], call.correlation, m_texts.calls[call.name], 0});
        m_row.null(); // callchainId
        return m_calls.add(m_row);
    }

    Result<void> add(const SyntheticWork& work) { return work.isCopy ? addCopy(work) : addKernel(work); }

    void beginWork(const SyntheticWork& work, SyntheticSum& sum)
    {
        begin(work, sum);
        sum.correlation += work.correlation;
        integers({0, 1}); // deviceId, contextId
        m_row.null();     // greenContextId
        integers({7 + work.stream, work.correlation, kGlobalPid});
    }

    Result<void> addKernel(const SyntheticWork& work)
    {
        beginWork(work, m_sums.kernels);
        const std::uint32_t kernel = work.name;
        integers({m_texts.demangled[kernel], m_texts.shortNames[kernel], m_texts.demangled[kernel], 1, 0});
        integers({32 + (kernel & 7) * 8, work.gridX, 1, 1, 128, 1, 1, (kernel & 15) * 1024, (kernel & 3) * 4096, 0, 0, work.correlation,
                  102'400});
        m_row.null(); // graphNodeId
        m_row.integer(0);
        return m_kernels.add(m_row);
    }

    Result<void> addCopy(const SyntheticWork& work)
    {
        // Pinned to device, device to pinned, device to device, in the export's numbers.
        static constexpr std::array<std::array<std::int64_t, 3>, 3> kKinds = {{{1, 1, 2}, {2, 2, 1}, {8, 2, 2}}};
        const auto& [copyKind, source, destination] = kKinds[work.name];
        beginWork(work, m_sums.memcpys);
        integers({static_cast<std::int64_t>(work.bytes), copyKind});
        m_row.null(); // deprecatedSrcId
        integers({source, destination});
        nulls(7); // devices and contexts of the ends, migrationCause, graphNodeId, virtualAddress
        m_row.integer(1);
        return m_memcpys.add(m_row);
    }

    const TextIds& m_texts;
    TablePages m_kernels, m_memcpys, m_calls, m_ranges;
    std::vector<SyntheticWork> m_pending; ///< later work may start before it
    Record m_row;
    SyntheticSums m_sums;
};

} // namespace

Result<SyntheticSums> writeNsysSqlite(const std::filesystem::path& path, std::uint64_t events)
{
    GANTRY_TRY(const Preparation preparation, Preparation::make(path));
    GANTRY_TRY(PageAppender file, PageAppender::open(path));
    EventWriter writer(file, preparation);
    TrainingSimulation simulation(events);
    for (SyntheticStep step; simulation.next(step);)
        GANTRY_CHECK(writer.add(step));
    GANTRY_TRY(const SyntheticSums sums, writer.finish());
    GANTRY_CHECK(file.finish());
    return sums;
}

} // namespace gantry::bench
