#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <memory>

namespace gantry::trace {
namespace {

/// Reads with the SQLite library directly: the oracle.
class Oracle
{
public:
    explicit Oracle(const std::filesystem::path& path)
    {
        sqlite3* opened = nullptr;
        sqlite3_open_v2(("file:" + path.string() + "?immutable=1").c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
        m_database.reset(opened);
    }

    /// One number; 0 when the table does not exist.
    [[nodiscard]] std::int64_t number(const std::string& sql) const
    {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(m_database.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
            return 0;
        const std::int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_finalize(statement);
        return value;
    }

private:
    struct Closer
    {
        void operator()(sqlite3* database) const { sqlite3_close(database); }
    };
    std::unique_ptr<sqlite3, Closer> m_database;
};

std::int64_t totalTime(const EventColumns& columns)
{
    std::int64_t total = 0;
    for (std::size_t row = 0; row < columns.size(); ++row)
        total += columns.duration(row);
    return total;
}

std::filesystem::path dataFolder(const char* name)
{
    return std::filesystem::path(GANTRY_SOURCE_DIR) / "../shared/data" / name;
}

TEST(NsysExports, OpenWithTheCountsAndSumsThatSqliteGives)
{
    if (!std::filesystem::exists(dataFolder("nsys_sqlite")))
        GTEST_SKIP() << "the shared Nsight Systems exports are not here";
    const std::pair<const char*, EventKind> kTables[] = {
        {"CUPTI_ACTIVITY_KIND_KERNEL", EventKind::Kernel}, {"CUPTI_ACTIVITY_KIND_MEMCPY", EventKind::Memcpy},
        {"CUPTI_ACTIVITY_KIND_MEMSET", EventKind::Memset}, {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", EventKind::Synchronization},
        {"CUPTI_ACTIVITY_KIND_RUNTIME", EventKind::ApiCall}};
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dataFolder("nsys_sqlite"))) {
        SCOPED_TRACE(entry.path().filename().string());
        ++files;
        const auto loaded = loadTrace(entry.path());
        if (!loaded) {
            ADD_FAILURE() << loaded.error().text();
            continue;
        }
        const Trace& trace = **loaded;
        EXPECT_EQ(trace.meta.format, "nsys-sqlite");
        const Oracle oracle(entry.path());
        for (const auto& [table, kind] : kTables) {
            const EventColumns& columns = trace.columns(kind);
            EXPECT_EQ(static_cast<std::int64_t>(columns.size()), oracle.number(std::string("SELECT count(*) FROM ") + table)) << table;
            EXPECT_EQ(totalTime(columns), oracle.number(std::string("SELECT sum(\"end\" - start) FROM ") + table)) << table;
            EXPECT_TRUE(std::is_sorted(columns.start.begin(), columns.start.end())) << table;
        }
        EXPECT_EQ(static_cast<std::int64_t>(trace.nvtxRanges.size()),
                  oracle.number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType IN (59, 60, 70, 71)"));
        std::int64_t open = 0;
        for (std::size_t row = 0; row < trace.nvtxRanges.size(); ++row)
            open += trace.nvtxRanges.isOpen(row);
        EXPECT_EQ(open, oracle.number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType IN (59, 60, 70, 71) AND \"end\" IS NULL"));
        TimeRange events{trace.time.end, trace.time.start};
        for (int kind = 0; kind < kEventKindCount; ++kind) {
            const EventColumns& columns = trace.columns(static_cast<EventKind>(kind));
            if (columns.size() > 0)
                events = {std::min(events.start, columns.start.front()), std::max(events.end, *std::max_element(columns.latestEnds.begin(), columns.latestEnds.end()))};
            for (std::size_t row = 0; row < columns.size(); ++row)
                ASSERT_TRUE(columns.start[row] >= trace.time.start && columns.end(row) <= trace.time.end) << name(static_cast<EventKind>(kind));
        }
        // The window that the file names counts from another zero than its rows, mostly.
        if (!events.isEmpty()) {
            EXPECT_LE(trace.time.duration(), 10 * events.duration());
        }
    }
    EXPECT_GE(files, 10);
}

TEST(NsysExports, RowsOfATrackNeverOverlap)
{
    if (!std::filesystem::exists(dataFolder("nsys_sqlite")))
        GTEST_SKIP() << "the shared Nsight Systems exports are not here";
    for (const auto& entry : std::filesystem::directory_iterator(dataFolder("nsys_sqlite"))) {
        SCOPED_TRACE(entry.path().filename().string());
        const auto loaded = loadTrace(entry.path());
        ASSERT_TRUE(loaded) << loaded.error().text();
        for (const Track& track : (*loaded)->tracks) {
            EXPECT_TRUE(track.parent.isNone() || track.parent.value < (*loaded)->tracks.size());
            for (const DepthRow& row : track.rows) {
                for (std::size_t i = 1; i < row.size(); ++i)
                    ASSERT_LE((*loaded)->timeOf(row.event[i - 1]).end, (*loaded)->timeOf(row.event[i]).end) << track.name;
            }
        }
    }
}

TEST(NsysExports, UndocumentedReportsAreRefusedWithTheCommandThatConvertsThemWhereNsysIsMissing)
{
    if (!std::filesystem::exists(dataFolder("nsys_rep")))
        GTEST_SKIP() << "the shared Nsight Systems reports are not here";
    for (const auto& entry : std::filesystem::directory_iterator(dataFolder("nsys_rep"))) {
        const auto loaded = loadTrace(entry.path());
        if (loaded)
            GTEST_SKIP() << "nsys is installed here: they open";
        EXPECT_EQ(loaded.error().code, ErrorCode::Unsupported);
        EXPECT_NE(loaded.error().text().find("nsys export --type sqlite"), std::string::npos) << loaded.error().text();
    }
}

} // namespace
} // namespace gantry::trace
