#include "tests/bench/synthetic_trace.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>

namespace gantry::bench {
namespace {

constexpr std::uint64_t kEvents = 100'000;

struct SqliteCloser
{
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};

class Database
{
public:
    explicit Database(const std::filesystem::path& path)
    {
        sqlite3* opened = nullptr;
        sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
        m_database.reset(opened);
    }

    /// The first row, its columns joined by blanks.
    [[nodiscard]] std::string row(const std::string& sql) const
    {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(m_database.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
            return sqlite3_errmsg(m_database.get());
        std::string text;
        if (sqlite3_step(statement) == SQLITE_ROW) {
            for (int column = 0; column < sqlite3_column_count(statement); ++column) {
                const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
                text += (column > 0 ? " " : "") + std::string(value ? value : "NULL");
            }
        }
        sqlite3_finalize(statement);
        return text;
    }

private:
    std::unique_ptr<sqlite3, SqliteCloser> m_database;
};

std::string text(const SyntheticSum& sum)
{
    return std::to_string(sum.count) + ' ' + std::to_string(sum.start) + ' ' + std::to_string(sum.duration) + ' ' +
           std::to_string(sum.correlation);
}

std::string contentOf(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(SyntheticTrace, SqliteFileIsSoundAndItsTablesAddUpToWhatTheWriterSays)
{
    const test::TemporaryFolder folder;
    const auto sums = writeNsysSqlite(folder / "report.sqlite", kEvents);
    ASSERT_TRUE(sums) << sums.error().text();
    EXPECT_EQ(sums->events(), kEvents);

    const Database database(folder / "report.sqlite");
    EXPECT_EQ(database.row("PRAGMA integrity_check"), "ok");
    const std::string columns = "SELECT count(*), sum(start), sum(end - start), sum(correlationId) FROM ";
    EXPECT_EQ(database.row(columns + "CUPTI_ACTIVITY_KIND_KERNEL"), text(sums->kernels));
    EXPECT_EQ(database.row(columns + "CUPTI_ACTIVITY_KIND_MEMCPY"), text(sums->memcpys));
    EXPECT_EQ(database.row(columns + "CUPTI_ACTIVITY_KIND_RUNTIME"), text(sums->calls));
    EXPECT_EQ(database.row("SELECT count(*), sum(start), sum(end - start), 0 FROM NVTX_EVENTS"), text(sums->ranges));
    EXPECT_EQ(database.row("SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.shortName"),
              std::to_string(sums->kernels.count));
    EXPECT_EQ(database.row("SELECT count(*) FROM (SELECT start < lag(start) OVER (ORDER BY rowid) AS isUnsorted FROM "
                           "CUPTI_ACTIVITY_KIND_KERNEL) WHERE isUnsorted"),
              "0");
}

TEST(SyntheticTrace, TablesOfOneLeafAndOfNoneAreSound)
{
    for (const std::uint64_t events : {1, 130, 200, 600}) { // ranges alone, some calls, a call and a kernel, some of each
        const test::TemporaryFolder folder;
        const auto sums = writeNsysSqlite(folder / "report.sqlite", events);
        ASSERT_TRUE(sums) << sums.error().text();
        const Database database(folder / "report.sqlite");
        EXPECT_EQ(database.row("PRAGMA integrity_check"), "ok") << events;
        EXPECT_EQ(database.row("SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL"), std::to_string(sums->kernels.count));
        EXPECT_EQ(database.row("SELECT count(*) FROM CUPTI_ACTIVITY_KIND_RUNTIME"), std::to_string(sums->calls.count));
        EXPECT_EQ(database.row("SELECT count(*) FROM NVTX_EVENTS"), std::to_string(sums->ranges.count));
    }
}

TEST(SyntheticTrace, KinetoFileHoldsTheSameEventsAsTheSqliteFile)
{
    const test::TemporaryFolder folder;
    const auto sqlite = writeNsysSqlite(folder / "report.sqlite", kEvents);
    const auto kineto = writeKinetoJson(folder / "trace.json", kEvents);
    ASSERT_TRUE(sqlite);
    ASSERT_TRUE(kineto);
    EXPECT_EQ(*sqlite, *kineto);

    SyntheticSums read;
    const nlohmann::json document = nlohmann::json::parse(contentOf(folder / "trace.json"));
    for (const nlohmann::json& event : document.at("traceEvents")) {
        if (event.at("ph") != "X")
            continue;
        const std::string category = event.at("cat");
        SyntheticSum& sum = category == "kernel"         ? read.kernels
                            : category == "gpu_memcpy"   ? read.memcpys
                            : category == "cuda_runtime" ? read.calls
                                                         : read.ranges;
        ++sum.count;
        sum.start += static_cast<std::uint64_t>(std::llround(event.at("ts").get<double>() * 1000));
        sum.duration += static_cast<std::uint64_t>(std::llround(event.at("dur").get<double>() * 1000));
        sum.correlation += event.at("args").value("correlation", std::uint64_t{0});
    }
    EXPECT_EQ(read, *kineto);
}

TEST(SyntheticTrace, IsTheSameInEveryRunAndAShorterOneIsItsBeginning)
{
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeKinetoJson(folder / "a.json", 5'000));
    ASSERT_TRUE(writeKinetoJson(folder / "b.json", 5'000));
    ASSERT_TRUE(writeKinetoJson(folder / "longer.json", 10'000));
    const std::string a = contentOf(folder / "a.json");
    EXPECT_EQ(a, contentOf(folder / "b.json"));
    constexpr std::size_t kWholeSteps = 1'000'000; // of about 310 kB each
    EXPECT_EQ(a.substr(0, kWholeSteps), contentOf(folder / "longer.json").substr(0, kWholeSteps));
}

/// What a loaded trace adds up to; starts count from that of its first event.
SyntheticSums sumsOf(const trace::Trace& trace)
{
    const auto sumOf = [&](const auto& columns) {
        SyntheticSum sum;
        sum.count = columns.size();
        for (std::size_t row = 0; row < columns.size(); ++row) {
            sum.start += static_cast<std::uint64_t>(columns.start[row] - trace.time.start);
            sum.duration += static_cast<std::uint64_t>(columns.duration(row));
            if constexpr (requires { columns.correlation[row]; })
                sum.correlation += columns.correlation[row];
        }
        return sum;
    };
    return {sumOf(trace.nvtxRanges), sumOf(trace.apiCalls), sumOf(trace.kernels), sumOf(trace.memcpys)};
}

TEST(SyntheticTrace, LoadsToTheSameSumsFromBothFormats)
{
    const test::TemporaryFolder folder;
    const auto written = writeNsysSqlite(folder / "report.sqlite", kEvents);
    ASSERT_TRUE(written);
    ASSERT_TRUE(writeKinetoJson(folder / "trace.json", kEvents));
    for (const char* file : {"report.sqlite", "trace.json"}) {
        const auto trace = trace::loadTrace(folder / file);
        ASSERT_TRUE(trace) << trace.error().text();
        EXPECT_EQ(sumsOf(**trace), written->fromFirstStart()) << file;
        EXPECT_EQ(droppedTotal((*trace)->losses), 0u) << file;
    }
}

} // namespace
} // namespace gantry::bench
