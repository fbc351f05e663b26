#include "trace_model/report/database.h"

#include "tests/support/event_script.h"
#include "tests/support/packing.h"
#include "tests/support/small_files.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_cache.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

namespace gantry::report {
namespace {

std::string readFile(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

void writeFile(const std::filesystem::path& path, std::string_view bytes)
{
    std::ofstream(path, std::ios::binary) << bytes;
}

void execute(const std::filesystem::path& path, const std::string& sql)
{
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    ASSERT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
}

class OpeningAReport : public testing::Test
{
protected:
    void SetUp() override
    {
        const auto written = test::writeEventScript("window 0..1000\nkernel gpu0/stream7 gemm 100..130 corr 1\n", good);
        ASSERT_TRUE(written) << written.error().text();
    }

    /// The error of loading a file, which must fail.
    static Error failure(const std::filesystem::path& path)
    {
        const auto loaded = trace::loadTrace(path);
        EXPECT_FALSE(loaded);
        return loaded ? Error{} : loaded.error();
    }

    test::TemporaryFolder folder;
    std::filesystem::path good = folder / "good.gantry";
};

TEST_F(OpeningAReport, SaysThatTheFileIsMissing)
{
    EXPECT_EQ(failure(folder / "no.gantry").code, ErrorCode::NotFound);
}

TEST_F(OpeningAReport, SaysThatTheFileIsEmpty)
{
    writeFile(folder / "empty.gantry", "");
    EXPECT_NE(failure(folder / "empty.gantry").text().find("empty"), std::string::npos);
}

TEST_F(OpeningAReport, SaysWhatAForeignFileIsAndWhatToDo)
{
    struct Case
    {
        const char* content;
        ErrorCode code;
        const char* words;
    };
    const Case cases[] = {
        {"NVIDIA Tegra Profiler Report 2025@1@1", ErrorCode::Truncated, "copy or fetch it again"},
        {"version https://git-lfs.github.com/spec/v1\n", ErrorCode::NotAReport, "git lfs pull"},
        {"{\"traceEvents\": []}", ErrorCode::NotAReport, "no events of a Chrome trace"},
        {"just some text that is no report at all", ErrorCode::NotAReport, "choose"},
    };
    for (const auto& [content, code, words] : cases) {
        writeFile(folder / "foreign", content);
        const Error error = failure(folder / "foreign");
        EXPECT_EQ(error.code, code) << content;
        EXPECT_NE(error.text().find(words), std::string::npos) << error.text();
    }
}

TEST_F(OpeningAReport, SaysThatAnSqliteFileIsNoReport)
{
    execute(folder / "other.sqlite", "CREATE TABLE people (name TEXT)");
    EXPECT_EQ(failure(folder / "other.sqlite").code, ErrorCode::NotAReport);
}

TEST_F(OpeningAReport, RefusesOneOfANewerGantryAndSaysWhatToUpdate)
{
    execute(good, "UPDATE META_DATA_EXPORT SET value='7' WHERE name='GANTRY_FORMAT_VERSION'");
    const Error error = failure(good);
    EXPECT_EQ(error.code, ErrorCode::UnsupportedVersion);
    EXPECT_NE(error.text().find("written by a newer Gantry (format 7, this one reads up to 1): update Gantry"), std::string::npos)
        << error.text();
}

TEST_F(OpeningAReport, ReadsOneCompressedWithZstd)
{
    const std::string plain = readFile(good);
    for (const std::string& packed : {test::zstd(plain), test::gzip(plain)}) {
        writeFile(folder / "good.packed", packed);
        const auto loaded = trace::loadTrace(folder / "good.packed");
        ASSERT_TRUE(loaded) << loaded.error().text();
        EXPECT_EQ((*loaded)->kernels.size(), 1u);

        writeFile(folder / "cut.packed", std::string_view(packed).substr(0, 100));
        EXPECT_EQ(failure(folder / "cut.packed").code, ErrorCode::Truncated);
    }
}

TEST_F(OpeningAReport, StopsUnpackingAndTellsItsProgress)
{
    writeFile(folder / "good.zst", test::zstd(readFile(good) + std::string(8 << 20, 'x')));
    std::vector<double> fractions;
    ASSERT_TRUE(Database::open(folder / "good.zst", {}, [&](double fraction) { fractions.push_back(fraction); }));
    EXPECT_GT(fractions.size(), 4u);
    EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
    EXPECT_EQ(fractions.back(), 1.0);

    std::stop_source stop;
    int calls = 0;
    const auto stopped = Database::open(folder / "good.zst", stop.get_token(), [&](double) {
        ++calls;
        stop.request_stop();
    });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
    EXPECT_EQ(calls, 1);
}

/// Where temporary files go while it lives.
class TemporaryFilesIn
{
public:
    explicit TemporaryFilesIn(const std::filesystem::path& folder)
    {
        if (const char* before = getenv("TMPDIR"))
            m_before = before;
        setenv("TMPDIR", folder.c_str(), 1);
    }
    TemporaryFilesIn(const TemporaryFilesIn&) = delete;
    TemporaryFilesIn& operator=(const TemporaryFilesIn&) = delete;
    ~TemporaryFilesIn() { m_before ? setenv("TMPDIR", m_before->c_str(), 1) : unsetenv("TMPDIR"); }

private:
    std::optional<std::string> m_before;
};

TEST_F(OpeningAReport, SaysWhyItCannotBeUnpackedAndLeavesNothingBehind)
{
    writeFile(folder / "good.zst", test::zstd(readFile(good)));
    {
        const TemporaryFilesIn nowhere(folder / "absent");
        const Error error = failure(folder / "good.zst");
        EXPECT_EQ(error.code, ErrorCode::CannotWrite);
        EXPECT_NE(error.text().find("set TMPDIR"), std::string::npos) << error.text();
    }
    std::filesystem::create_directory(folder / "full");
    const TemporaryFilesIn full(folder / "full");
    const test::SmallFiles limit(4096);
    const Error error = failure(folder / "good.zst");
    EXPECT_EQ(error.code, ErrorCode::CannotWrite);
    EXPECT_NE(error.text().find("free some space"), std::string::npos) << error.text();
    EXPECT_TRUE(std::filesystem::is_empty(folder / "full"));
}

// A pipe without a writer would never open.
TEST_F(OpeningAReport, RefusesAPipeWithoutWaitingForIt)
{
    ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
    const trace::LoadFile file{folder / "pipe", {}};
    const trace::TraceCache cache(folder / "cache");
    trace::LoadOptions options;
    options.cache = &cache;
    const auto loaded = trace::loadTrace(std::span(&file, 1), options);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().text().find("is a device or a pipe"), std::string::npos) << loaded.error().text();
    EXPECT_EQ(Database::open(folder / "pipe").error().code, ErrorCode::NotAReport);
}

/// Writes rows that stay in a journal beside the file, as a program does that is still at work.
std::unique_ptr<sqlite3, decltype(&sqlite3_close)> leaveInJournal(const std::filesystem::path& path, const std::string& sql)
{
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
    return {opened, &sqlite3_close};
}

// Rows in the write-ahead log were silently missing.
TEST_F(OpeningAReport, RefusesOneOfWhichPartLiesInAJournalBesideIt)
{
    const std::string insert = "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL;";
    {
        const auto writer = leaveInJournal(good, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;" + insert);
        const std::string before = readFile(good);
        const Error error = failure(good);
        EXPECT_EQ(error.code, ErrorCode::Busy);
        EXPECT_NE(error.text().find("PRAGMA wal_checkpoint(TRUNCATE)"), std::string::npos) << error.text();
        EXPECT_EQ(readFile(good), before);
    }
    const auto whole = trace::loadTrace(good); // who closes it last moves the rows to the file
    ASSERT_TRUE(whole) << whole.error().text();
    EXPECT_EQ((*whole)->kernels.size(), 2u);
    {
        const auto writer = leaveInJournal(good, "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN;" + insert + insert + insert +
                                                     insert + insert + insert + insert + insert + insert + insert);
        EXPECT_EQ(failure(good).code, ErrorCode::Busy);
        EXPECT_NE(failure(good).text().find("half written"), std::string::npos);
    }
    EXPECT_TRUE(trace::loadTrace(good)) << "undone";
}

TEST_F(OpeningAReport, ReadsFromAFolderItCannotWriteTo)
{
    std::filesystem::permissions(good, std::filesystem::perms::owner_read);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto loaded = trace::loadTrace(good);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    ASSERT_TRUE(loaded) << loaded.error().text();
}

TEST_F(OpeningAReport, StopsWhenItIsCancelled)
{
    std::stop_source stop;
    stop.request_stop();
    // Cancellation is looked at between rows of large tables; a small report may be read before.
    const auto loaded = trace::loadTrace(good, {}, stop.get_token());
    EXPECT_TRUE(loaded || loaded.error().code == ErrorCode::Cancelled);
}

TEST_F(OpeningAReport, ReadsMissingColumnsAndTablesAsAbsent)
{
    execute(folder / "old.sqlite", "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);"
                                   "INSERT INTO StringIds VALUES (3, 'gemm');"
                                   "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT, end INT, shortName INT);"
                                   "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (10, 20, 3), (30, 40, 99), (50, 45, 3);");
    const auto loaded = trace::loadTrace(folder / "old.sqlite");
    ASSERT_TRUE(loaded) << loaded.error().text();
    const trace::Trace& trace = **loaded;
    ASSERT_EQ(trace.kernels.size(), 2u) << "the row that ends before it starts is counted, not shown";
    EXPECT_EQ(trace.strings[trace.kernels.shortName(0)], "gemm");
    EXPECT_EQ(trace.strings[trace.kernels.shortName(1)], "(unknown)");
    EXPECT_THAT(trace.meta.warnings, testing::Contains(testing::StartsWith("1 row skipped")));
}

TEST_F(OpeningAReport, NeverCrashesOnAFileThatIsCutOff)
{
    const std::string bytes = readFile(good);
    for (std::size_t length = 0; length < bytes.size(); length += 1021) {
        writeFile(folder / "cut.gantry", std::string_view(bytes).substr(0, length));
        const auto loaded = trace::loadTrace(folder / "cut.gantry");
        EXPECT_TRUE(!loaded || !(*loaded)->meta.complete) << length << " of " << bytes.size();
    }
}

// A kernel that ended at the end of time made the timeline draw ticks until memory was gone.
TEST_F(OpeningAReport, CountsRowsWhoseTimesAreNoTimes)
{
    execute(good,
            "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL;"
            "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 9223372036854775807 WHERE rowid = 2;"
            "INSERT INTO GANTRY_REQUESTS (globalPid, requestId, model, version, start, end, failed) VALUES (1, 1, 1, 1, 500, 100, 0);");
    const auto loaded = trace::loadTrace(good);
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ((*loaded)->kernels.size(), 1u);
    EXPECT_EQ((*loaded)->requests.size(), 0u);
    EXPECT_LE((*loaded)->time.end, 1000);
    EXPECT_THAT((*loaded)->meta.warnings, testing::Contains(testing::StartsWith("2 rows skipped whose end is missing")));
    EXPECT_EQ(droppedTotal((*loaded)->losses), 0u) << "what was dropped is the recording's, not the reader's";
}

/// Overwrites the first page of a table.
void damageTable(const std::filesystem::path& path, const std::string& table)
{
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(opened, ("SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'").c_str(), -1, &statement, nullptr);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW) << table;
    const auto page = static_cast<std::size_t>(sqlite3_column_int64(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(opened);
    constexpr std::size_t kPageBytes = 4096;
    std::string bytes = readFile(path);
    ASSERT_GE(bytes.size(), page * kPageBytes);
    writeFile(path, bytes.replace((page - 1) * kPageBytes, kPageBytes, kPageBytes, '\xFF'));
}

// A report says how many rows its tables have: a damaged page of a table without any hides none.
TEST_F(OpeningAReport, SaysWhatDamageHidesAndNothingWhereItHidesNone)
{
    damageTable(good, "CUPTI_ACTIVITY_KIND_MEMSET");
    const auto whole = trace::loadTrace(good);
    ASSERT_TRUE(whole) << whole.error().text();
    EXPECT_THAT((*whole)->meta.warnings, testing::IsEmpty());
    EXPECT_TRUE((*whole)->meta.complete);

    damageTable(good, "CUPTI_ACTIVITY_KIND_KERNEL");
    const auto part = trace::loadTrace(good);
    ASSERT_TRUE(part) << part.error().text();
    EXPECT_THAT((*part)->meta.warnings,
                testing::ElementsAre(testing::StartsWith("1 of 1 row of table CUPTI_ACTIVITY_KIND_KERNEL is not shown: ")));
    EXPECT_FALSE((*part)->meta.complete);
}

TEST_F(OpeningAReport, SaysThatRowsWereTakenOutOrPutIn)
{
    ASSERT_TRUE(trace::loadTrace(good));
    EXPECT_TRUE((*trace::loadTrace(good))->meta.warnings.empty());
    execute(good, "DELETE FROM CUPTI_ACTIVITY_KIND_KERNEL;");
    const auto loaded = trace::loadTrace(good);
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ((*loaded)->meta.warnings,
              (std::vector<std::string>{
                  "table CUPTI_ACTIVITY_KIND_KERNEL holds 0 rows where 1 were written: the report was altered after it was made"}));
}

} // namespace
} // namespace gantry::report
