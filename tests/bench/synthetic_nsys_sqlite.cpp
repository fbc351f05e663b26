#include "tests/bench/synthetic_trace.h"
#include "tests/bench/synthetic_training.h"
#include "trace_model/report/page_writer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::bench {

namespace {

constexpr std::int64_t kPid = 4711;
constexpr std::int64_t kGlobalPid = std::int64_t{1} << 56 | kPid << 24;
constexpr std::array<std::int64_t, 2> kGlobalTids = {kGlobalPid | kPid, kGlobalPid | 4790};

// Tables and columns of the export of 2024.1; the order is that of kTables.
enum Table : std::size_t
{
    Texts,
    ThreadNames,
    Processes,
    Meta,
    SessionStart,
    Gpus,
    Kernels,
    Memcpys,
    Calls,
    Ranges,
    TableCount
};

struct TableDefinition
{
    const char* name;
    const char* columns;
};

constexpr std::array<TableDefinition, TableCount> kTables = {{
    {"StringIds", R"(id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)"},
    {"ThreadNames", R"(nameId INTEGER NOT NULL, priority INTEGER, globalTid INTEGER)"},
    {"PROCESSES", R"(globalPid INTEGER, pid INTEGER, name TEXT)"},
    {"META_DATA_EXPORT", R"(name TEXT NOT NULL, value TEXT)"},
    {"TARGET_INFO_SESSION_START_TIME", R"(utcEpochNs INTEGER, utcTime TEXT, localTime TEXT)"},
    {"TARGET_INFO_GPU", R"(vmId INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT, busLocation TEXT, isDiscrete INTEGER, l2CacheSize INTEGER,
 totalMemory INTEGER, memoryBandwidth INTEGER, clockRate INTEGER, smCount INTEGER, pwGpuId INTEGER, uuid TEXT, luid INTEGER, chipName TEXT, cuDevice INTEGER)"},
    {"CUPTI_ACTIVITY_KIND_KERNEL", R"(start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
 greenContextId INTEGER, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
 mangledName INTEGER, launchType INTEGER, cacheConfig INTEGER, registersPerThread INTEGER NOT NULL, gridX INTEGER NOT NULL, gridY INTEGER NOT NULL,
 gridZ INTEGER NOT NULL, blockX INTEGER NOT NULL, blockY INTEGER NOT NULL, blockZ INTEGER NOT NULL, staticSharedMemory INTEGER NOT NULL,
 dynamicSharedMemory INTEGER NOT NULL, localMemoryPerThread INTEGER NOT NULL, localMemoryTotal INTEGER NOT NULL, gridId INTEGER NOT NULL,
 sharedMemoryExecuted INTEGER, graphNodeId INTEGER, sharedMemoryLimitConfig INTEGER)"},
    {"CUPTI_ACTIVITY_KIND_MEMCPY", R"(start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
 greenContextId INTEGER, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, bytes INTEGER NOT NULL, copyKind INTEGER NOT NULL,
 deprecatedSrcId INTEGER, srcKind INTEGER, dstKind INTEGER, srcDeviceId INTEGER, srcContextId INTEGER, dstDeviceId INTEGER, dstContextId INTEGER,
 migrationCause INTEGER, graphNodeId INTEGER, virtualAddress INTEGER, copyCount INTEGER)"},
    {"CUPTI_ACTIVITY_KIND_RUNTIME", R"(start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL, globalTid INTEGER,
 correlationId INTEGER, nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL, callchainId INTEGER)"},
    {"NVTX_EVENTS",
     R"(start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, rangeId INTEGER, category INTEGER, color INTEGER, text TEXT,
 globalTid INTEGER, endGlobalTid INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER, int64Value INTEGER, doubleValue REAL,
 uint32Value INTEGER, int32Value INTEGER, floatValue REAL, jsonTextId INTEGER, jsonText TEXT, binaryData TEXT)"},
}};

/// Ids in StringIds, which holds every text before the first event.
struct TextIds
{
    std::vector<std::int64_t> demangled, shortNames, calls, operators, layers;
};

/// The file: what is the same in every one is there from the begin.
class ReportFile
{
public:
    explicit ReportFile(report::PageWriter& pages) : m_pages(pages), m_tables(TableCount, report::TableWriter(pages)) { fill(); }

    template <typename... Values>
    void add(Table table, const Values&... values)
    {
        m_row.encode(values...);
        m_tables[table].add(m_row);
    }

    [[nodiscard]] Result<void> finish()
    {
        std::vector<report::PageWriter::Table> written;
        for (std::size_t i = 0; i < TableCount; ++i)
            written.push_back(
                {kTables[i].name, fmt::format("CREATE TABLE {} ({})", kTables[i].name, kTables[i].columns), m_tables[i].finish()});
        return m_pages.finish(written);
    }

    TextIds texts;

private:
    std::int64_t addText(std::string_view text)
    {
        add(Texts, nullptr, text); // the id is the row's
        return static_cast<std::int64_t>(m_tables[Texts].rows());
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
        add(ThreadNames, addText("main"), 30, kGlobalTids[0]);
        add(ThreadNames, addText("pt_autograd_0"), 30, kGlobalTids[1]);
        add(Processes, kGlobalPid, kPid, "python");
        add(Meta, "EXPORT_PRODUCT_NAME", "synthetic");
        add(Meta, "EXPORT_SCHEMA_VERSION", "3.7.4");
        add(SessionStart, kSyntheticUtcNs, nullptr, nullptr);
        constexpr std::nullptr_t kUnknown = nullptr;
        add(Gpus, 0, 0, "NVIDIA H100 80GB HBM3", kUnknown, kUnknown, kUnknown, 85'031'714'816, kUnknown, kUnknown, 132, kUnknown, kUnknown,
            kUnknown, kUnknown, 0);
    }

    report::PageWriter& m_pages;
    std::vector<report::TableWriter> m_tables;
    report::RowEncoder m_row;
};

class EventWriter
{
public:
    explicit EventWriter(ReportFile& file) : m_file(file), m_texts(file.texts) {}

    void add(const SyntheticStep& step)
    {
        for (const SyntheticRange& range : step.ranges)
            add(range);
        for (const SyntheticCall& call : step.calls)
            add(call);
        // Work of the next step starts after this one's last call: what starts before that is complete and can be sorted.
        m_pending.insert(m_pending.end(), step.work.begin(), step.work.end());
        std::sort(m_pending.begin(), m_pending.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
        const TimestampNs known = step.ranges.front().end;
        const auto end = std::lower_bound(m_pending.begin(), m_pending.end(), known,
                                          [](const auto& work, TimestampNs time) { return work.start < time; });
        for (auto work = m_pending.begin(); work != end; ++work)
            add(*work);
        m_pending.erase(m_pending.begin(), end);
    }

    SyntheticSums finish()
    {
        for (const SyntheticWork& work : m_pending)
            add(work);
        return m_sums;
    }

private:
    template <typename Event>
    static void count(const Event& event, SyntheticSum& sum)
    {
        ++sum.count;
        sum.start += static_cast<std::uint64_t>(event.start);
        sum.duration += static_cast<std::uint64_t>(event.end - event.start);
    }

    void add(const SyntheticRange& range)
    {
        constexpr std::int64_t kPushPopRange = 59;
        count(range, m_sums.ranges);
        // As the tool does it: registered texts by their id, plain ones in the row.
        std::optional<std::string> text;
        std::optional<std::int64_t> textId;
        if (range.level == SyntheticRange::Level::Step)
            text = fmt::format("ProfilerStep#{}", range.index);
        else
            textId = (range.level == SyntheticRange::Level::Layer ? m_texts.layers : m_texts.operators)[range.index];
        constexpr std::nullptr_t kNone = nullptr;
        m_file.add(Ranges, range.start, range.end, kPushPopRange, kNone, kNone, kNone, text, kGlobalTids[range.thread], kNone, textId, 0,
                   kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone);
    }

    void add(const SyntheticCall& call)
    {
        count(call, m_sums.calls);
        m_sums.calls.correlation += call.correlation;
        m_file.add(Calls, call.start, call.end, 0, kGlobalTids[call.thread], call.correlation, m_texts.calls[call.name], 0, nullptr);
    }

    void add(const SyntheticWork& work)
    {
        SyntheticSum& sum = work.isCopy ? m_sums.memcpys : m_sums.kernels;
        count(work, sum);
        sum.correlation += work.correlation;
        if (work.isCopy)
            addCopy(work);
        else
            addKernel(work);
    }

    void addKernel(const SyntheticWork& work)
    {
        const std::uint32_t kernel = work.name;
        m_file.add(Kernels, work.start, work.end, 0, 1, nullptr, 7 + work.stream, work.correlation, kGlobalPid, m_texts.demangled[kernel],
                   m_texts.shortNames[kernel], m_texts.demangled[kernel], 1, 0, 32 + (kernel & 7) * 8, work.gridX, 1, 1, 128, 1, 1,
                   (kernel & 15) * 1024, (kernel & 3) * 4096, 0, 0, work.correlation, 102'400, nullptr, 0);
    }

    void addCopy(const SyntheticWork& work)
    {
        // Pinned to device, device to pinned, device to device, in the export's numbers.
        static constexpr std::array<std::array<std::int64_t, 3>, 3> kKinds = {{{1, 1, 2}, {2, 2, 1}, {8, 2, 2}}};
        const auto& [copyKind, source, destination] = kKinds[work.name];
        m_file.add(Memcpys, work.start, work.end, 0, 1, nullptr, 7 + work.stream, work.correlation, kGlobalPid, work.bytes, copyKind,
                   nullptr, source, destination, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 1);
    }

    ReportFile& m_file;
    const TextIds& m_texts;
    std::vector<SyntheticWork> m_pending; ///< later work may start before it
    SyntheticSums m_sums;
};

} // namespace

Result<SyntheticSums> writeNsysSqlite(const std::filesystem::path& path, std::uint64_t events)
{
    GANTRY_TRY(report::PageWriter pages, report::PageWriter::create(path, FileAccess::ByUmask));
    ReportFile file(pages);
    EventWriter writer(file);
    TrainingSimulation simulation(events);
    for (SyntheticStep step; simulation.next(step);)
        writer.add(step);
    const SyntheticSums sums = writer.finish();
    GANTRY_CHECK(file.finish());
    return sums;
}

} // namespace gantry::bench
