#include "trace_model/import/sqlite_facts.h"

#include "trace_model/import/gpu_settings.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/schema.h"

#include <charconv>
#include <fmt/format.h>

namespace gantry::importing {

using report::TableCursor;

void TextMap::add(std::int64_t fileId, TextId text)
{
    constexpr std::int64_t kSlack = 4096;
    ++m_count;
    if (fileId < 0 || fileId > m_count * 4 + kSlack) {
        m_sparse[fileId] = text;
        return;
    }
    if (static_cast<std::size_t>(fileId) >= m_dense.size())
        m_dense.resize(static_cast<std::size_t>(fileId) + 1);
    m_dense[static_cast<std::size_t>(fileId)] = text;
}

Result<void> SqliteFacts::readMeta()
{
    EventSink& sink = m_tables.sink();
    TraceMeta& meta = sink.meta();
    if (const std::string& damage = m_tables.database().damage(); !damage.empty()) {
        meta.spoil("the file is cut off or damaged");
        meta.warnings.push_back(damage);
    }
    std::map<std::string, std::string> exported;
    for (const char* table : {"META_DATA_EXPORT", "EXPORT_META_DATA"}) // the latter until 2023.2
        GANTRY_CHECK(m_tables.each(table, {"name", "value"}, [&](TableCursor& row) { exported[std::string(row.text(0))] = row.text(1); }));
    GANTRY_CHECK(m_tables.each("META_DATA_CAPTURE", {"name", "value"},
                               [&](TableCursor& row) { meta.settings[std::string(row.text(0))] = row.text(1); }));
    GANTRY_CHECK(checkFormat(exported));
    GANTRY_CHECK(m_tables.each("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs", "systemClockNs"}, [&](TableCursor& row) {
        meta.sessionUtcNs = row.integer(0);
        meta.sessionMonotonicNs = row.integer(1);
    }));
    GANTRY_CHECK(m_tables.each("ANALYSIS_DETAILS", {"startTime", "stopTime"}, [&](TableCursor& row) -> const char* {
        TimeRange recorded;
        if (!RowNumbers(row).times(0, recorded.start, recorded.end))
            return skipped::kNoTimes;
        m_recorded = recorded;
        return nullptr;
    }));
    takeGantryKeys();
    std::string& clock = sink.report().clock;
    clock += (clock.empty() ? "" : " ");
    clock += meta.sessionUtcNs != 0 ? "The file's times count from the session's start, whose wall clock is known."
                                    : "The file's times count from the session's start.";
    return readGpus();
}

/// Newer exports say which GPU each process's device is.
Result<void> SqliteFacts::readGpus()
{
    GANTRY_CHECK(m_tables.each("TARGET_INFO_CUDA_DEVICE", {"gpuId", "cudaId", "pid"}, [&](TableCursor& row) -> const char* {
        RowNumbers numbers(row);
        const std::uint32_t gpu = numbers.number(0), device = numbers.number(1), pid = numbers.bits32(2) & 0xFFFFFF;
        if (row.isNull(0) || !numbers.areGood())
            return skipped::kBadNumber;
        m_gpuOf[{pid, device}] = gpu;
        return nullptr;
    }));
    return m_tables.each(
        "TARGET_INFO_GPU", {"id", "name", "uuid", "cuDevice", "smCount", "computeMajor", "computeMinor"},
        [&](TableCursor& row) -> const char* {
            const std::int64_t device = m_gpuOf.empty() ? row.integer(3, row.integer(0)) : row.integer(0);
            if (device < 0 || device >= 1024)
                return skipped::kBadNumber;
            m_tables.sink().meta().gpus.push_back({static_cast<std::uint32_t>(device), std::string(row.text(1)), std::string(row.text(2))});
            const std::int64_t multiprocessors = row.integer(4, 0), major = row.integer(5, 0);
            if (multiprocessors > 0 && multiprocessors < 4096 && major > 0)
                m_tables.sink().meta().settings[residentThreadsSetting(static_cast<std::uint32_t>(device))] =
                    std::to_string(multiprocessors * threadsOfMultiprocessor(major, row.integer(6, 0)));
            return nullptr;
        });
}

std::uint32_t SqliteFacts::deviceOf(std::uint64_t globalPid, std::uint32_t ordinal) const
{
    if (m_gpuOf.empty())
        return ordinal;
    const auto found = m_gpuOf.find({static_cast<std::uint32_t>(globalPid >> 24 & 0xFFFFFF), ordinal});
    return found == m_gpuOf.end() ? ordinal : found->second;
}

Result<void> SqliteFacts::checkFormat(const std::map<std::string, std::string>& exported)
{
    const auto value = [&](const char* key) {
        const auto found = exported.find(key);
        return found == exported.end() ? std::string() : found->second;
    };
    TraceMeta& meta = m_tables.sink().meta();
    const std::string version = value("GANTRY_FORMAT_VERSION");
    if (!version.empty()) {
        int format = 0;
        std::from_chars(version.data(), version.data() + version.size(), format);
        if (format < 1 || format > report::kReportFormatVersion)
            return Error{ErrorCode::UnsupportedVersion,
                         fmt::format("the report was written by a newer Gantry (format {}, this one reads up to {}): update Gantry",
                                     version, report::kReportFormatVersion),
                         {}};
        m_isGantry = true;
        meta.format = "gantry";
        meta.producer = "Gantry " + value("EXPORT_PRODUCT_VERSION");
        m_tables.sink().report().format = "Gantry report";
        return {};
    }
    bool known = false;
    for (const std::string& table : m_tables.database().tableNames())
        known = known || table == "StringIds" || table == "NVTX_EVENTS" || table == "OSRT_API" || table.starts_with("CUPTI_ACTIVITY_KIND_");
    if (!known && !m_tables.database().damage().empty())
        return Error{
            ErrorCode::Truncated, "the file's list of tables is damaged, none of them can be found: copy, fetch or export it again", {}};
    if (!known)
        return Error{
            ErrorCode::NotAReport,
            "this SQLite file is neither a Gantry report nor an Nsight Systems export, it has none of their tables: choose another file",
            {}};
    meta.format = "nsys-sqlite";
    const std::string product = value("EXPORT_PRODUCT_VERSION");
    meta.producer = product.empty() ? "NVIDIA Nsight Systems (version unknown)" : "NVIDIA Nsight Systems " + product;
    const std::string schema = value("EXPORT_SCHEMA_VERSION");
    m_tables.sink().report().format = schema.empty() ? "Nsight Systems SQLite export" : "Nsight Systems SQLite export, schema " + schema;
    return {};
}

/// Moves what Gantry gives a meaning to from the settings to members.
void SqliteFacts::takeGantryKeys()
{
    namespace key = report::meta;
    TraceMeta& meta = m_tables.sink().meta();
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
    if (const std::string complete = take(key::kComplete); !complete.empty() && complete != "1")
        meta.spoil("gantryd could not use all that was captured");
    if (const auto rehearsal = meta.settings.find(key::kRehearsal); rehearsal != meta.settings.end())
        meta.warnings.push_back("From a rehearsal, which plays a recording (" + rehearsal->second +
                                "): nothing was measured when it was captured.");
    if (const auto note = meta.settings.find(key::kNote); note != meta.settings.end())
        meta.warnings.push_back(note->second + ".");
    takeNumber(key::kClockErrorNs, meta.clockErrorNs);
    takeNumber(key::kWindowCostRatio, meta.windowCostRatio);
    takeNumber(key::kWindowCostError, meta.windowCostError);
    takeNumber(key::kOpenCostNs, meta.openCost);
    takeNumber(key::kCloseCostNs, meta.closeCost);
}

Result<void> SqliteFacts::readStrings()
{
    return m_tables.each("StringIds", {"id", "value"},
                         [&](TableCursor& row) { m_texts.add(row.integer(0), m_tables.sink().intern(row.text(1))); });
}

Result<void> SqliteFacts::readNames()
{
    EventSink& sink = m_tables.sink();
    GANTRY_CHECK(m_tables.each("ThreadNames", {"globalTid", "nameId"}, [&](TableCursor& row) -> const char* {
        const TextId name = m_texts[row.integer(1)];
        if (name == 0)
            return "whose name is not in the file";
        const auto globalTid = static_cast<std::uint64_t>(row.integer(0));
        sink.nameThread(globalTid, name); // a renamed thread has several: the last one counts
        m_namedThreads.insert(globalTid);
        return nullptr;
    }));
    GANTRY_CHECK(m_tables.each("PROCESSES", {"globalPid", "name"},
                               [&](TableCursor& row) { m_processNames[static_cast<std::uint64_t>(row.integer(0))] = row.text(1); }));
    return readStreamNames();
}

/// NVTX names, the default stream of a context, priorities. Streams with nothing to say keep their number alone.
Result<void> SqliteFacts::readStreamNames()
{
    EventSink& sink = m_tables.sink();
    const auto processOf = [](std::int64_t pid) { return static_cast<std::uint64_t>(pid) << 24; };
    std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> deviceOfContext; // by pid and context
    GANTRY_CHECK(m_tables.each(
        "TARGET_INFO_CUDA_CONTEXT_INFO", {"nullStreamId", "processId", "deviceId", "contextId"}, [&](TableCursor& row) -> const char* {
            RowNumbers numbers(row);
            const std::uint64_t process = processOf(row.integer(1));
            const std::uint32_t stream = numbers.number(0), device = deviceOf(process, numbers.number(2)), context = numbers.number(3);
            if (!numbers.areGood())
                return skipped::kBadNumber;
            deviceOfContext[{row.integer(1), row.integer(3)}] = device;
            if (!row.isNull(0))
                sink.nameStream(process, device, context, stream, fmt::format("Stream {} · default", stream));
            return nullptr;
        }));
    GANTRY_CHECK(
        m_tables.each("TARGET_INFO_CUDA_STREAM", {"streamId", "processId", "contextId", "priority"}, [&](TableCursor& row) -> const char* {
            RowNumbers numbers(row);
            const std::uint32_t stream = numbers.number(0), context = numbers.number(2);
            const auto priority = static_cast<std::int32_t>(numbers.bits32(3)); // signed, stored unsigned
            if (!numbers.areGood())
                return skipped::kBadNumber;
            const auto device = deviceOfContext.find({row.integer(1), row.integer(2)});
            // A stream of the usual priority has its number alone, which its work has, too.
            if (priority != 0 && device != deviceOfContext.end())
                sink.nameStream(processOf(row.integer(1)), device->second, context, stream,
                                fmt::format("Stream {} · priority {}", stream, priority));
            return nullptr;
        }));
    const auto name = [&](std::uint64_t process, TableCursor& row, auto nameOf) -> const char* {
        RowNumbers numbers(row);
        const std::uint32_t device = deviceOf(process, numbers.number(0)), context = numbers.number(1), stream = numbers.number(2);
        if (!numbers.areGood())
            return skipped::kBadNumber;
        sink.nameStream(process, device, context, stream, nameOf(stream));
        return nullptr;
    };
    GANTRY_CHECK(m_tables.each("GANTRY_STREAM_NAMES", {"deviceId", "contextId", "streamId", "name", "globalPid"}, [&](TableCursor& row) {
        return name(static_cast<std::uint64_t>(row.integer(4)), row, [&](std::uint32_t) { return std::string(row.text(3)); });
    }));
    return m_tables.each("TARGET_INFO_NVTX_CUDA_STREAM", {"deviceId", "contextId", "streamId", "name", "processId"}, [&](TableCursor& row) {
        return name(processOf(row.integer(4)), row,
                    [&](std::uint32_t stream) { return fmt::format("{} · stream {}", row.text(3), stream); });
    });
}

/// The time that was recorded, on the clock of the rows; empty where that cannot be told. Nsight Systems writes
/// ANALYSIS_DETAILS by a clock that its rows mostly do not count by: they count from the begin of the recording.
TimeRange SqliteFacts::windowOf(TimeRange rows)
{
    if (!m_recorded || m_isGantry || rows.end < rows.start)
        return m_recorded.value_or(TimeRange{});
    const auto holds = [&](TimeRange window) { return rows.start >= window.start && rows.end <= window.end; };
    const TimeRange fromBegin{0, m_recorded->duration()};
    const TimeRange window = holds(fromBegin) ? fromBegin : holds(*m_recorded) ? *m_recorded : TimeRange{};
    // A file that holds but some seconds of a recording (nsys export --timeline, or cut with SQL) should not open as minutes of nothing.
    constexpr DurationNs kLeastShare = 10;
    if (window.isEmpty() || rows.duration() >= window.duration() / kLeastShare)
        return window;
    m_tables.sink().report().clock += fmt::format(" The recording took {}, the file holds events of {} of it.",
                                                  formatDuration(window.duration()), formatDuration(rows.duration()));
    return {};
}

void SqliteFacts::conclude()
{
    TimeRange rows{std::numeric_limits<TimestampNs>::max(), std::numeric_limits<TimestampNs>::min()};
    std::set<std::uint64_t> processes;
    for (const SqliteWorker& worker : m_tables.workers()) {
        rows = {std::min(rows.start, worker.first), std::max(rows.end, worker.last)};
        processes.insert(worker.processes.begin(), worker.processes.end());
    }
    m_tables.sink().setWindow(windowOf(rows));
    // Nsight Systems lists every process of the machine; a report of ours those that were captured.
    std::uint64_t idle = 0;
    for (const auto& [globalPid, name] : m_processNames) {
        if (m_isGantry || processes.contains(globalPid))
            m_tables.sink().nameProcess(globalPid, name);
        else
            ++idle;
    }
    if (idle == 0)
        return;
    TableTally& tally = m_tables.sink().report().table("PROCESSES");
    tally.rows -= idle;
    tally.kept -= idle;
    tally.skip("without events", idle);
}

} // namespace gantry::importing
