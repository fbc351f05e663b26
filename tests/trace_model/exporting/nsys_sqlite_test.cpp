#include "tests/support/temporary_folder.h"
#include "tests/trace_model/exporting/trace_lines.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>

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

void expectSame(const Trace& reopened, const Trace& trace)
{
    for (int kind = 0; kind < trace::kEventKindCount; ++kind)
        EXPECT_TRUE(test::isSame(test::eventLines(reopened, static_cast<EventKind>(kind)), test::eventLines(trace, static_cast<EventKind>(kind))))
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
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open_v2((folder / "report.sqlite").c_str(), &opened, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    std::string answer;
    const auto take = [](void* to, int columns, char** values, char**) {
        for (int column = 0; column < columns; ++column)
            *static_cast<std::string*>(to) += std::string(values[column] ? values[column] : "NULL") + (column + 1 < columns ? " " : "\n");
        return 0;
    };
    const char* sql = "SELECT s.value, k.start, r.start, p.name FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.shortName "
                      "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.correlationId = k.correlationId AND (r.globalTid & ~0xFFFFFF) = k.globalPid "
                      "JOIN PROCESSES p ON p.globalPid = k.globalPid JOIN TARGET_INFO_CUDA_DEVICE d ON d.cudaId = k.deviceId AND d.pid = p.pid "
                      "JOIN TARGET_INFO_GPU g ON g.id = d.gpuId WHERE r.eventClass = 1 ORDER BY k.start";
    ASSERT_EQ(sqlite3_exec(opened, sql, take, &answer, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
    EXPECT_EQ(answer, "gemm 10000 6000 gantry-serve\n");
}

} // namespace
} // namespace gantry::exporting
