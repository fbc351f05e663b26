#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace_model/exporting/trace_lines.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace gantry::exporting {
namespace {

using trace::EventKind;
using trace::Trace;

/// Writes the trace as a report and opens that.
Result<std::shared_ptr<const Trace>> throughSqlite(const Trace& trace)
{
    const test::TemporaryFolder folder;
    GANTRY_CHECK(exportTrace(trace, ExportFormat::NsysSqlite, folder / "report.sqlite"));
    return trace::loadTrace(folder / "report.sqlite");
}

using Rows = std::vector<std::vector<std::string>>;

/// A database to ask.
class Answers
{
public:
    explicit Answers(const std::filesystem::path& path)
    {
        sqlite3* opened = nullptr;
        EXPECT_EQ(sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK) << path;
        m_database.reset(opened);
    }

    [[nodiscard]] Rows to(const std::string& sql) const
    {
        Rows rows;
        const auto take = [](void* to, int columns, char** values, char**) {
            auto& row = static_cast<Rows*>(to)->emplace_back();
            for (int column = 0; column < columns; ++column)
                row.emplace_back(values[column] ? values[column] : "NULL");
            return 0;
        };
        EXPECT_EQ(sqlite3_exec(m_database.get(), sql.c_str(), take, &rows, nullptr), SQLITE_OK) << sqlite3_errmsg(m_database.get());
        return rows;
    }
    [[nodiscard]] std::set<std::string> tables() const { return firstOf(to("SELECT name FROM sqlite_master WHERE type = 'table'")); }
    [[nodiscard]] std::set<std::string> columnsOf(const std::string& table) const
    {
        return firstOf(to("SELECT name FROM pragma_table_info('" + table + "')"));
    }
    [[nodiscard]] long rowsIn(const std::string& table) const { return std::stol(to("SELECT count(*) FROM " + table).front().front()); }

private:
    static std::set<std::string> firstOf(const Rows& rows)
    {
        std::set<std::string> values;
        for (const auto& row : rows)
            values.insert(row.front());
        return values;
    }

    struct Close
    {
        void operator()(sqlite3* database) const { sqlite3_close(database); }
    };
    std::unique_ptr<sqlite3, Close> m_database;
};

void expectSame(const Trace& reopened, const Trace& trace)
{
    for (int kind = 0; kind < trace::kEventKindCount; ++kind)
        EXPECT_TRUE(
            test::isSame(test::eventLines(reopened, static_cast<EventKind>(kind)), test::eventLines(trace, static_cast<EventKind>(kind))))
            << name(static_cast<EventKind>(kind));
    EXPECT_TRUE(test::isSame(test::otherLines(reopened), test::otherLines(trace)));
}

TEST(NsysSqliteExport, OpensAgainWithEverythingThatATraceCanHold)
{
    const auto trace = test::traceWithEverything();
    for (int kind = 0; kind < trace::kEventKindCount; ++kind)
        ASSERT_GT(trace->columns(static_cast<EventKind>(kind)).size(), 0u) << "the trace has no " << name(static_cast<EventKind>(kind));
    const auto reopened = throughSqlite(*trace);
    ASSERT_TRUE(reopened) << reopened.error().text();
    expectSame(**reopened, *trace);
}

TEST(NsysSqliteExport, OpensAgainAsTheSameTraceForEveryGoldenScript)
{
    for (const auto& [name, trace] : test::goldenTraces()) {
        SCOPED_TRACE(name);
        const auto reopened = throughSqlite(*trace);
        ASSERT_TRUE(reopened) << reopened.error().text();
        expectSame(**reopened, *trace);
    }
}

TEST(NsysSqliteExport, OpensAgainAsTheSameTraceForEveryRealFile)
{
    const std::vector<std::string> files = test::realTraces();
    if (files.empty())
        GTEST_SKIP() << "the shared exports and traces are not here";
    for (const std::string& file : files) {
        SCOPED_TRACE(file);
        const auto trace = trace::loadTrace(file);
        ASSERT_TRUE(trace) << trace.error().text();
        const auto reopened = throughSqlite(**trace);
        ASSERT_TRUE(reopened) << reopened.error().text();
        expectSame(**reopened, **trace);
    }
}

TEST(NsysSqliteExport, HasTheTablesThatScriptsForNsightSystemsJoin)
{
    const test::TemporaryFolder folder;
    ASSERT_TRUE(exportTrace(*test::traceWithEverything(), ExportFormat::NsysSqlite, folder / "report.sqlite"));
    const Answers database(folder / "report.sqlite");
    const char* sql =
        "SELECT s.value, k.start, r.start, p.name FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.shortName "
        "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.correlationId = k.correlationId AND (r.globalTid & ~0xFFFFFF) = k.globalPid "
        "JOIN PROCESSES p ON p.globalPid = k.globalPid JOIN TARGET_INFO_CUDA_DEVICE d ON d.cudaId = k.deviceId AND d.pid = p.pid "
        "JOIN TARGET_INFO_GPU g ON g.id = d.gpuId WHERE r.eventClass = 1 ORDER BY k.start";
    EXPECT_EQ(database.to(sql), (Rows{{"gemm", "10000", "6000", "gantry-serve"}}));
}

TEST(NsysSqliteExport, ALineWhoseValuesHoldUntilTheNextIsReadBackAsOne)
{
    const test::TemporaryFolder folder;
    {
        auto writer = report::ReportWriter::create(folder / "a.gantry");
        ASSERT_TRUE(writer);
        writer->add(report::MemoryRow{.start = 100, .globalPid = std::uint64_t{7} << 24, .address = 1, .bytes = 512, .memKind = 2});
        writer->add(report::LineRow{1, "sampled", "%", {}});
        writer->addSample({1, 50, 3.0});
        ASSERT_TRUE(writer->finish({.window = {0, 1000}}));
    }
    const auto trace = trace::loadTrace(folder / "a.gantry");
    ASSERT_TRUE(trace) << trace.error().text();
    const auto reopened = throughSqlite(**trace);
    ASSERT_TRUE(reopened) << reopened.error().text();
    expectSame(**reopened, **trace);
    std::map<std::string, bool> isExact;
    for (const trace::Track& track : (*reopened)->tracks)
        if (track.kind == trace::TrackKind::Counter && !track.counter.isDerived)
            isExact[track.name] = track.counter.isExact;
    EXPECT_EQ(isExact, (std::map<std::string, bool>{{"GPU 0 known allocations", true}, {"sampled", false}}));
}

// They were 0, or a number that says "none".
TEST(NsysSqliteExport, WhatATraceDoesNotKnowIsNull)
{
    const test::TemporaryFolder folder;
    ASSERT_TRUE(exportTrace(*test::traceWithEverything(), ExportFormat::NsysSqlite, folder / "report.sqlite"));
    const Answers database(folder / "report.sqlite");
    for (const auto& [table, columns] :
         std::map<std::string, std::string>{{"CUPTI_ACTIVITY_KIND_KERNEL", "localMemoryPerThread, localMemoryTotal, gridId"},
                                            {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "eventId"},
                                            {"CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "graphExecId"},
                                            {"CUPTI_ACTIVITY_KIND_OVERHEAD", "overheadType"},
                                            {"OSRT_API", "eventClass"},
                                            {"TARGET_INFO_GPU", "busLocation"}})
        for (const auto& row : database.to("SELECT " + columns + " FROM " + table))
            for (const std::string& value : row)
                EXPECT_EQ(value, "NULL") << table << ": " << columns;
}

// 40,000 took 48 s: each looked through all before it.
TEST(NsysSqliteExport, RequestsOfOneNumberAreToldApart)
{
    std::string script =
        "window 0..1000000\nexecution 3 thread 12 model bert:1 instance bert_0 80..150\nrequest 7 model bert:1 0..90 batch 3\n";
    for (int i = 0; i < 20'000; ++i)
        script += "request 7 model bert:1 " + std::to_string(i + 1) + ".." + std::to_string(i + 100) + "\n";
    const auto trace = test::traceOf(script);
    const auto reopened = throughSqlite(*trace);
    ASSERT_TRUE(reopened) << reopened.error().text();
    ASSERT_EQ((*reopened)->requests.size(), trace->requests.size());
    expectSame(**reopened, *trace);
}

/// The words of a sentence: names of tables and columns are among them.
std::set<std::string> wordsOf(std::string_view sentence)
{
    std::set<std::string> words;
    std::string word;
    for (const char c : std::string(sentence) + ' ') {
        if (std::isalnum(static_cast<unsigned char>(c)) || c == '_')
            word += c;
        else if (!word.empty())
            words.insert(std::exchange(word, {}));
    }
    return words;
}

/// Whether one of the sentences says that a column (or, without one, rows or all of a table) is lost.
bool isSaid(const std::vector<std::string_view>& sentences, const std::string& table, const std::string& column = {})
{
    return std::any_of(sentences.begin(), sentences.end(), [&](std::string_view sentence) {
        const std::set<std::string> words = wordsOf(sentence);
        if (!words.contains(table))
            return false;
        const bool namesWhatIsKept = sentence.starts_with("columns of " + table + " but for");
        return column.empty() || words.contains(column) != namesWhatIsKept;
    });
}

/// Columns that hold numbers which are given anew: of texts, and of the one machine.
bool isNumberedAnew(const std::string& table, const std::string& column)
{
    static const std::set<std::string> kTexts = {"nameId",   "textId",    "shortName", "demangledName",
                                                 "domainId", "globalTid", "vmId",      "jsonTextId"};
    return kTexts.contains(column) || table.starts_with("META_DATA") || table == "ThreadNames";
}

// Two traces were compared, which both had lost the same.
TEST(NsysSqliteExport, SaysOfEveryTableAndColumnOfARealExportThatIsLost)
{
    const std::vector<std::string> files = test::nsysExports();
    if (files.empty())
        GTEST_SKIP() << "the shared exports are not here";
    for (const std::string& file : files) {
        SCOPED_TRACE(file);
        const auto trace = trace::loadTrace(file);
        ASSERT_TRUE(trace) << trace.error().text();
        const test::TemporaryFolder folder;
        ASSERT_TRUE(exportTrace(**trace, ExportFormat::NsysSqlite, folder / "report.sqlite"));
        const std::vector<std::string_view> lost = notKept(**trace, ExportFormat::NsysSqlite);
        const Answers original(file), copy(folder / "report.sqlite");
        std::set<std::string> written = copy.tables();
        for (const std::string& table : original.tables()) {
            if (table.starts_with("ENUM_") || table.starts_with("sqlite_") || table == "StringIds" || original.rowsIn(table) == 0)
                continue;
            if (written.contains(table) && copy.rowsIn(table) == 0)
                written.erase(table); // it is there, and all of it is lost
            if (!written.contains(table) || original.rowsIn(table) != copy.rowsIn(table)) {
                EXPECT_TRUE(isSaid(lost, table)) << table << ": " << original.rowsIn(table) << " rows";
            }
            if (!written.contains(table))
                continue;
            const bool isWhole = original.rowsIn(table) == copy.rowsIn(table);
            const std::set<std::string> columns = copy.columnsOf(table);
            for (const std::string& column : original.columnsOf(table)) {
                const std::string ask = "SELECT count(\"" + column + "\"), min(\"" + column + "\"), max(\"" + column + "\") FROM " + table;
                const auto before = original.to(ask).front(),
                           after = columns.contains(column) ? copy.to(ask).front() : Rows::value_type{"0", "NULL", "NULL"};
                const bool isGone = before[0] != "0" && after[0] == "0";
                const bool isChanged = isWhole && before != after && !isNumberedAnew(table, column);
                if (isGone || isChanged) {
                    EXPECT_TRUE(isSaid(lost, table, column)) << table << '.' << column << " was " << before[1] << ".." << before[2]
                                                             << " and is " << after[1] << ".." << after[2];
                }
            }
        }
    }
}

} // namespace
} // namespace gantry::exporting
