#include "trace_model/import/sqlite_report.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/sqlite_events.h"
#include "trace_model/import/sqlite_facts.h"
#include "trace_model/import/sqlite_memory.h"
#include "trace_model/import/sqlite_nvtx.h"
#include "trace_model/import/sqlite_server.h"
#include "trace_model/import/sqlite_tables.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>

namespace gantry::importing {
namespace {

using report::TableCursor;

constexpr double kUnpackingShare = 0.3; ///< of opening a report that is packed

/// Part of reading a report: its name, the part of the time that it takes in a large report, and what it does.
struct Stage
{
    const char* name;
    double weight;
    Result<void> (*read)(SqliteTables& tables, SqliteFacts& facts);
};

/// What reads events, as a stage.
template <auto Read>
Result<void> events(SqliteTables& tables, SqliteFacts& facts)
{
    return Read(tables, facts);
}

constexpr Stage kStages[] = {
    {"meta data", 1, [](SqliteTables&, SqliteFacts& facts) { return facts.readMeta(); }},
    {"strings", 2, [](SqliteTables&, SqliteFacts& facts) { return facts.readStrings(); }},
    {"names", 1, [](SqliteTables&, SqliteFacts& facts) { return facts.readNames(); }},
    {"kernels", 35, events<readKernels>},
    {"memcpys", 5, events<readMemcpys>},
    {"memsets", 2, events<readMemsets>},
    {"synchronizations", 3, events<readSynchronizations>},
    {"CUDA graphs", 1, events<readGraphs>},
    {"ranges on streams", 1, events<readGpuRanges>},
    {"API calls", 25, events<readApiCalls>},
    {"library and OS calls", 5, events<readOtherCalls>},
    {"overhead", 1, events<readOverheads>},
    {"NVTX ranges", 15, events<readNvtx>},
    {"scheduling", 2, events<readScheduling>},
    {"requests", 3, events<readRequests>},
    {"executions", 1, events<readExecutions>},
    {"metrics", 3, events<readMetrics>},
    {"memory allocations", 1, events<readMemoryUsage>},
    {"summaries", 1, events<readSummaries>},
    {"losses", 1, events<readLosses>},
};

/// What of the rows could not be shown. No loss: those are of the recording.
void warnOfBadRows(EventSink& sink)
{
    std::uint64_t withoutTimes = 0, withBadNumbers = 0, withoutNames = 0;
    for (const TableTally& table : sink.report().tables) {
        for (const SkippedRows& rows : table.skipped) {
            withoutTimes += rows.reason == skipped::kNoTimes ? rows.count : 0;
            withBadNumbers += rows.reason == skipped::kBadNumber ? rows.count : 0;
        }
        for (const SkippedRows& rows : table.reduced)
            withoutNames += rows.reason == skipped::kNoName ? rows.count : 0;
    }
    const auto warn = [&](std::uint64_t count, std::string_view what) {
        if (count > 0)
            sink.meta().warnings.push_back(fmt::format("{} {}", counted(count, "row"), what));
    };
    warn(withoutTimes, "skipped whose end is missing or before the start, or whose times are no times.");
    warn(withBadNumbers, "skipped with a number that is missing, out of range or none (a device, a stream, a number of bytes).");
    warn(withoutNames, "whose names the file refers to and does not have, shown as (unknown).");
}

/// Tables that nothing reads, with the number of their rows.
Result<void> tallyTheRest(SqliteTables& tables)
{
    constexpr std::string_view kDescriptive[] = {"ENUM_",   "TARGET_INFO_", "META_DATA",      "EXPORT_META",
                                                 "GANTRY_", "sqlite_",      "ProcessStreams", "NVTX_PAYLOAD"};
    for (const std::string& table : tables.database().tableNames()) {
        if (tables.stop().stop_requested())
            return SqliteTables::cancelled();
        if (tables.isRead(table) || std::any_of(std::begin(kDescriptive), std::end(kDescriptive),
                                                [&](std::string_view prefix) { return table.starts_with(prefix); }))
            continue;
        if (const std::int64_t rows = tables.database().rowCount(table); rows > 0)
            tables.sink().report().table(table).skip("this version does not show them", static_cast<std::uint64_t>(rows));
    }
    return {};
}

/// A report of ours says how many rows it was written with.
Result<void> checkRowCounts(SqliteTables& tables)
{
    const std::string_view prefix = report::meta::kRowCountPrefix;
    std::map<std::string, std::uint64_t> read, written;
    for (const TableTally& table : tables.sink().report().tables)
        read[table.name] = table.rows;
    GANTRY_CHECK(tables.each("GANTRY_META", {"name", "value"}, [&](TableCursor& row) {
        const std::string name(row.text(0));
        if (name.starts_with(prefix))
            written[name.substr(prefix.size())] = static_cast<std::uint64_t>(row.integer(1));
    }));
    tables.judgeDamage(written);
    for (const auto& [table, rows] : written)
        if (tables.isRead(table) && !tables.isDamaged(table) && read[table] != rows)
            tables.sink().meta().warnings.push_back(
                fmt::format("table {} holds {} where {} were written: the report was altered after it was made", table,
                            counted(read[table], "row"), rows));
    return {};
}

Result<void> read(const report::Database& database, EventSink& sink, const ReadControl& control)
{
    SqliteTables tables(database, sink, control);
    SqliteFacts facts(tables);
    double all = 0;
    for (const Stage& stage : kStages)
        all += stage.weight;
    for (const Stage& stage : kStages) {
        tables.beginStage(stage.name, stage.weight / all);
        GANTRY_CHECK(stage.read(tables, facts).context("reading " + std::string(stage.name)));
    }
    facts.conclude();
    if (tables.isSample()) {
        tables.judgeDamage({});
        return {};
    }
    warnOfBadRows(sink);
    GANTRY_CHECK(tallyTheRest(tables));
    return checkRowCounts(tables);
}

} // namespace

Result<void> readSqliteReport(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    bool wasPacked = false;
    const auto unpacking = [&](double fraction) {
        wasPacked = true;
        if (control.progress)
            control.progress(fraction * kUnpackingShare, "unpacking");
    };
    GANTRY_TRY(const report::Database database, report::Database::open(path, control.stop, unpacking));
    ReadControl rest = control;
    if (wasPacked && control.progress)
        rest.progress = [&](double fraction, std::string_view stage) {
            control.progress(kUnpackingShare + fraction * (1 - kUnpackingShare), stage);
        };
    return read(database, sink, rest);
}

} // namespace gantry::importing
