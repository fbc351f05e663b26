#include "trace_model/import/sqlite_report.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/import/gpu_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <sys/resource.h>

namespace gantry::importing {
namespace {

using test::CollectedRows;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kKernels =
    "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT); INSERT INTO StringIds VALUES (1, 'gemm');"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, contextId, streamId, correlationId, globalPid, shortName);";

class ReadingAReport : public testing::Test
{
protected:
    void execute(const std::string& sql) const
    {
        sqlite3* opened = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
        const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
        ASSERT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(opened);
    }

    /// What a reader makes of the file.
    std::unique_ptr<test::CollectingSink> read() const
    {
        auto sink = std::make_unique<test::CollectingSink>();
        const auto result = readSqliteReport(path, *sink, {});
        EXPECT_TRUE(result) << result.error().text();
        return sink;
    }
    std::unique_ptr<test::CollectingSink> readAfter(const std::string& sql) const
    {
        execute(sql);
        return read();
    }

    /// How many rows of a table were skipped for a reason that has these words.
    static std::uint64_t skipped(test::CollectingSink& sink, std::string_view table, std::string_view words)
    {
        for (const TableTally& tally : sink.report().tables)
            if (tally.name == table)
                for (const SkippedRows& rows : tally.skipped)
                    if (rows.reason.find(words) != std::string::npos)
                        return rows.count;
        return 0;
    }
    static std::uint64_t kept(test::CollectingSink& sink, std::string_view table)
    {
        for (const TableTally& tally : sink.report().tables)
            if (tally.name == table)
                return tally.kept;
        return 0;
    }

    test::TemporaryFolder folder;
    std::filesystem::path path = folder / "report.sqlite";
};

// ---- the time that was recorded ----

std::string analysis(std::int64_t start, std::int64_t stop)
{
    return "CREATE TABLE ANALYSIS_DETAILS (duration INT, startTime INT, stopTime INT);"
           "INSERT INTO ANALYSIS_DETAILS VALUES (" +
           std::to_string(stop - start) + ", " + std::to_string(start) + ", " + std::to_string(stop) + ");";
}

std::string kernelAt(std::int64_t start, std::int64_t end)
{
    return "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (" + std::to_string(start) + ", " + std::to_string(end) +
           ", 0, 1, 7, 1, 16777216, 1);";
}

// The begin and end of ANALYSIS_DETAILS count from the machine's start, rows from the recording's: the report was 6326 s long.
TEST_F(ReadingAReport, TellsHowManyThreadsEachGpuHolds)
{
    execute(std::string(kKernels) + "CREATE TABLE TARGET_INFO_GPU (id, name, uuid, cuDevice, smCount, computeMajor, computeMinor);"
                                    "INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H100', 'a', 0, 132, 9, 0), (1, 'NVIDIA L4', 'b', 1, "
                                    "58, 8, 9), (2, 'unknown', 'c', 2, NULL, NULL, NULL);");
    const auto sink = read();
    const auto& settings = sink->meta().settings;
    EXPECT_EQ(settings.at(residentThreadsSetting(0)), "270336");
    EXPECT_EQ(settings.at(residentThreadsSetting(1)), "89088");
    EXPECT_FALSE(settings.contains(residentThreadsSetting(2)));
}

TEST_F(ReadingAReport, TakesTheRecordedTimeByTheClockOfTheRows)
{
    EXPECT_EQ(readAfter(kKernels + analysis(6'324'000, 6'326'000) + kernelAt(100, 1'500))->window, (TimeRange{0, 2'000}));
}

TEST_F(ReadingAReport, TakesTheRecordedTimeAsItStandsWhenTheRowsLieThere)
{
    EXPECT_EQ(readAfter(kKernels + analysis(5'000, 9'000) + kernelAt(5'100, 8'900))->window, (TimeRange{5'000, 9'000}));
}

TEST_F(ReadingAReport, TakesNoRecordedTimeThatTheRowsDoNotLieIn)
{
    EXPECT_TRUE(readAfter(kKernels + analysis(5'000, 9'000) + kernelAt(-300, 8'900))->window.isEmpty());
}

// An export of one second out of 295 opened as 295 s of nothing.
TEST_F(ReadingAReport, ShowsTheEventsOfAFileThatHoldsAShortPartOfALongRecording)
{
    const auto sink = readAfter(kKernels + analysis(35'000'000'000, 330'000'000'000) + kernelAt(155'000'000'000, 156'000'000'000));
    EXPECT_TRUE(sink->window.isEmpty());
    EXPECT_THAT(sink->report().clock, HasSubstr("The recording took 295.000 s, the file holds events of 1.000 s of it."));
}

// ---- memory allocations ----

const std::string kMemory = std::string(kKernels) +
                            "CREATE TABLE CUDA_GPU_MEMORY_USAGE_EVENTS (start, globalPid, deviceId, contextId, address, pc, bytes, "
                            "memKind, memoryOperationType, name,"
                            "correlationId);";

std::string memoryAt(std::int64_t start, int pid, int address, std::int64_t bytes, int operation, int kind = 2)
{
    return "INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS VALUES (" + std::to_string(start) + ", " + std::to_string(std::int64_t{pid} << 24) +
           ", 0, 1, " + std::to_string(address) + ", 0, " + std::to_string(bytes) + ", " + std::to_string(kind) + ", " +
           std::to_string(operation) + ", NULL, 5);";
}

/// The counters of a file: "group name: time=value time=value".
std::vector<std::string> counters(const test::CollectingSink& sink)
{
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < sink.counters.size(); ++i) {
        std::string line = sink.counters[i].group + " " + sink.counters[i].name + ":";
        for (const CounterSample& sample : sink.all(&CollectedRows::samples))
            if (sample.counter == i)
                line += " " + std::to_string(sample.time) + "=" + std::to_string(static_cast<std::int64_t>(sample.value));
        lines.push_back(line);
    }
    return lines;
}

// Nsight Systems wrote it until 2024.1 without the columns of pools.
TEST_F(ReadingAReport, AddsUpAllocationsOfEachProcess)
{
    const auto sink = readAfter(kMemory + memoryAt(300, 1, 10, 100, 1) + memoryAt(100, 1, 10, 100, 0) + memoryAt(200, 1, 20, 50, 0) +
                                memoryAt(200, 2, 10, 7, 0) + memoryAt(250, 2, 10, 9, 0));
    EXPECT_THAT(counters(*sink), ElementsAre("GPU 0 known allocations, process 1: 0=0 100=100 200=150 300=50",
                                             "GPU 0 known allocations, process 2: 0=0 200=7 250=9")); // of 7 the release was not recorded
    ASSERT_FALSE(sink->counters.empty());
    EXPECT_TRUE(sink->counters[0].isExact);
    EXPECT_EQ(kept(*sink, "CUDA_GPU_MEMORY_USAGE_EVENTS"), 5u);
}

// An export has been seen whose allocations all were at time 0.
TEST_F(ReadingAReport, AllocationsOfOneTimeAreOneSample)
{
    const auto sink = readAfter(kMemory + memoryAt(0, 1, 10, 100, 0) + memoryAt(0, 1, 20, 50, 0));
    EXPECT_THAT(counters(*sink), ElementsAre("GPU 0 known allocations: 0=150"));
}

TEST_F(ReadingAReport, SaysWhichAllocationsItDoesNotShow)
{
    const auto sink = readAfter(kMemory + memoryAt(100, 1, 10, 100, 0) + memoryAt(100, 1, 20, 50, 0, 7) + memoryAt(100, 1, 30, -1, 0));
    EXPECT_THAT(counters(*sink), ElementsAre("GPU 0 known allocations: 0=0 100=100"));
    EXPECT_EQ(skipped(*sink, "CUDA_GPU_MEMORY_USAGE_EVENTS", "kind of memory"), 1u);
    EXPECT_EQ(skipped(*sink, "CUDA_GPU_MEMORY_USAGE_EVENTS", "number"), 1u);
}

// ---- what is no number, or none of its kind ----

TEST_F(ReadingAReport, SkipsRowsWhoseNumbersAreNone)
{
    const auto sink = readAfter(
        std::string(kKernels) +
        "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (10, 20, 0, 1, 7, 1, 16777216, 1), ('soon', 30, 0, 1, 7, 1, 16777216, 1),"
        "(x'0102', 40, 0, 1, 7, 1, 16777216, 1), (9e999, 50, 0, 1, 7, 1, 16777216, 1), (50, 60, -5, 1, 7, 1, 16777216, 1),"
        "(60, 70, 0, 1, NULL, 1, 16777216, 1), (70, 80, 0, 1, 4294967296, 1, 16777216, 1), (80.0, 90.0, 0, 1, 7.0, NULL, 16777216, 1);"
        "CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start, end, deviceId, streamId, bytes);"
        "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (10, 20, 0, 7, 100), (10, 20, 0, 7, -1), (10, 20, 0, 7, 'many');");
    const auto kernels = sink->all(&CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 2u);
    EXPECT_EQ(kernels[0].start, 10);
    EXPECT_EQ(kernels[1].start, 80);
    EXPECT_EQ(kernels[1].streamId, 7u);
    EXPECT_EQ(skipped(*sink, "CUPTI_ACTIVITY_KIND_KERNEL", "times"), 3u);
    EXPECT_EQ(skipped(*sink, "CUPTI_ACTIVITY_KIND_KERNEL", "number"), 3u);
    EXPECT_EQ(sink->all(&CollectedRows::memcpys).size(), 1u);
    EXPECT_EQ(skipped(*sink, "CUPTI_ACTIVITY_KIND_MEMCPY", "number"), 2u);
    EXPECT_EQ(droppedTotal(sink->losses), 0u) << "what was dropped is the recording's, not the reader's";
    EXPECT_THAT(sink->meta().warnings, ElementsAre(HasSubstr("3 rows skipped whose end"), HasSubstr("5 rows skipped with a number")));
}

TEST_F(ReadingAReport, KeepsAWaitForAContextWhichIsOnNoStream)
{
    const auto sink = readAfter(
        "CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION (start, end, deviceId, contextId, streamId, syncType);"
        "INSERT INTO CUPTI_ACTIVITY_KIND_SYNCHRONIZATION VALUES (1, 2, 0, 1, NULL, 4), (3, 4, 0, 1, 4294967295, 4), (5, 6, 0, 1, -7, 4);");
    EXPECT_EQ(sink->all(&CollectedRows::synchronizations).size(), 2u);
    EXPECT_EQ(skipped(*sink, "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "number"), 1u);
}

TEST_F(ReadingAReport, SkipsSamplesWithoutAValueAndThoseOfNoSeries)
{
    const auto sink =
        readAfter("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);"
                  "CREATE TABLE GANTRY_SERIES (id, name, unit, kind, labels); INSERT INTO GANTRY_SERIES VALUES (1, 'Power', 'W', 2, '');"
                  "CREATE TABLE GANTRY_SAMPLES (seriesId, time, value);"
                  "INSERT INTO GANTRY_SAMPLES VALUES (1, 10, 2.5), (1, 11, NULL), (1, 12, 'high'), (1, 13, 9e999), (1, 'x', 1), (2, 14, "
                  "1), (1, 15, 3);");
    std::vector<double> values;
    for (const CounterSample& sample : sink->all(&CollectedRows::samples))
        values.push_back(sample.value);
    EXPECT_THAT(values, ElementsAre(2.5, 3.0));
    EXPECT_EQ(kept(*sink, "GANTRY_SAMPLES"), 2u);
    EXPECT_EQ(skipped(*sink, "GANTRY_SAMPLES", "without a value"), 3u);
    EXPECT_EQ(skipped(*sink, "GANTRY_SAMPLES", "times"), 1u);
    EXPECT_EQ(skipped(*sink, "GANTRY_SAMPLES", "does not name"), 1u);
}

// ---- the import report counts as used what is used ----

TEST_F(ReadingAReport, CountsRequestsAndPhasesThatItCannotUse)
{
    const auto sink = readAfter(
        "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);"
        "CREATE TABLE GANTRY_REQUESTS (globalPid, requestId, start, end); INSERT INTO GANTRY_REQUESTS VALUES (1, 1, 100, 200), (1, 2, 300, "
        "250), (1, 3, NULL, 400);"
        "CREATE TABLE GANTRY_REQUEST_PHASES (globalPid, requestId, phase, start, end);"
        "INSERT INTO GANTRY_REQUEST_PHASES VALUES (1, 1, 0, 110, 120), (1, 9, 0, 110, 120), (1, 1, 77, 110, 120), (1, 1, 1, 130, 120);");
    EXPECT_EQ(sink->requests.size(), 2u);
    EXPECT_EQ(kept(*sink, "GANTRY_REQUESTS"), 2u);
    EXPECT_EQ(skipped(*sink, "GANTRY_REQUESTS", "times"), 1u);
    EXPECT_EQ(kept(*sink, "GANTRY_REQUEST_PHASES"), 1u);
    EXPECT_EQ(skipped(*sink, "GANTRY_REQUEST_PHASES", "of a request"), 1u);
    EXPECT_EQ(skipped(*sink, "GANTRY_REQUEST_PHASES", "of a phase"), 1u);
    EXPECT_EQ(skipped(*sink, "GANTRY_REQUEST_PHASES", "times"), 1u);
}

TEST_F(ReadingAReport, SkipsRangesThatEndBeforeTheyStart)
{
    const auto sink = readAfter("CREATE TABLE NVTX_EVENTS (start, end, eventType, globalTid, domainId, text);"
                                "INSERT INTO NVTX_EVENTS VALUES (10, 20, 59, 1, 0, 'a'), (30, 25, 59, 1, 0, 'b'), (40, NULL, 59, 1, 0, "
                                "'c'), (50, 'x', 60, 1, 0, 'd');");
    const auto ranges = sink->all(&CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 2u);
    EXPECT_EQ(sink->text(ranges[0].textId), "a");
    EXPECT_FALSE(ranges[1].end);
    EXPECT_EQ(skipped(*sink, "NVTX_EVENTS", "times"), 2u);
}

TEST_F(ReadingAReport, KeepsDomainsOfDifferentProcessesApart)
{
    const auto sink = readAfter(
        "CREATE TABLE NVTX_EVENTS (start, end, eventType, globalTid, domainId, text);"
        "INSERT INTO NVTX_EVENTS VALUES (10, 20, 59, 1 << 24, 3, 'a'), (10, 20, 59, 2 << 24, 3, 'b'), (0, NULL, 75, 2 << 24, 3, 'NCCL');");
    const auto ranges = sink->all(&CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 2u);
    EXPECT_NE(ranges[0].domainId, ranges[1].domainId);
    EXPECT_EQ(sink->text(sink->domains.at(ranges[1].domainId)), "NCCL");
    EXPECT_FALSE(sink->domains.contains(ranges[0].domainId));
}

TEST_F(ReadingAReport, KeepsTheStreamsOfProcessesApart)
{
    const auto sink =
        readAfter(std::string(kKernels) + "CREATE TABLE TARGET_INFO_CUDA_CONTEXT_INFO (nullStreamId, processId, deviceId, contextId); "
                                          "INSERT INTO TARGET_INFO_CUDA_CONTEXT_INFO VALUES (7, 1, 0, 1), (9, 2, 0, 1);"
                                          "CREATE TABLE TARGET_INFO_NVTX_CUDA_STREAM (name, processId, deviceId, contextId, streamId);"
                                          "INSERT INTO TARGET_INFO_NVTX_CUDA_STREAM VALUES ('decode', 2, 0, 1, 7), ('lost', 2, -1, 1, 7);");
    EXPECT_EQ(sink->streamNames.at({1 << 24, 0, 1, 7}), "Stream 7 · default");
    EXPECT_EQ(sink->streamNames.at({2 << 24, 0, 1, 7}), "decode · stream 7");
    EXPECT_EQ(sink->streamNames.at({2 << 24, 0, 1, 9}), "Stream 9 · default");
    EXPECT_EQ(skipped(*sink, "TARGET_INFO_NVTX_CUDA_STREAM", "number"), 1u);
}

// Nsight Systems lists all processes of the machine: a report of one was said to be of 1667.
TEST_F(ReadingAReport, NamesTheProcessesThatHaveEvents)
{
    const auto sink =
        readAfter(kKernels + kernelAt(10, 20) +
                  "CREATE TABLE PROCESSES (globalPid, name); INSERT INTO PROCESSES VALUES (16777216, 'server'), (33554432, 'bash');");
    EXPECT_THAT(sink->processNames, ElementsAre(std::pair(std::uint64_t{16777216}, std::string("server"))));
    EXPECT_EQ(kept(*sink, "PROCESSES"), 1u);
    EXPECT_EQ(skipped(*sink, "PROCESSES", "without events"), 1u);
}

// ---- hostile and damaged files ----

// Each id was just below twice the last: the table of ids took 6.3 GB.
TEST_F(ReadingAReport, TakesLittleMemoryForTextsWithScatteredIds)
{
    std::string sql = "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, shortName); CREATE TABLE StringIds (id, value); INSERT INTO "
                      "StringIds VALUES (1, 'one')";
    std::int64_t id = 4000;
    for (; id < (std::int64_t{1} << 29); id = id * 2 + 4000)
        sql += ", (" + std::to_string(id) + ", 'text " + std::to_string(id) + "')";
    sql += "; INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, " + std::to_string((id - 4000) / 2) + "), (3, 4, 1);";
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const auto sink = readAfter(sql);
    getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 512 * 1024) << "KiB";
    const auto kernels = sink->all(&CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 2u);
    EXPECT_EQ(sink->text(kernels[0].shortName), "text " + std::to_string((id - 4000) / 2));
    EXPECT_EQ(sink->text(kernels[1].shortName), "one");
}

// Names that a file refers to and does not have were shown as (unknown) without a word.
TEST_F(ReadingAReport, CountsTheNamesThatTheFileDoesNotHave)
{
    const auto sink =
        readAfter("CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, shortName, demangledName);"
                  "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, 1, 1), (3, 4, 9, 1), (5, 6, 9, 8), (7, 8, NULL, NULL);"
                  "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start, end, globalTid, nameId);"
                  "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (1, 2, 1, 1), (3, 4, 1, 7);"
                  "CREATE TABLE NVTX_EVENTS (start, end, eventType, globalTid, text, textId);"
                  "INSERT INTO NVTX_EVENTS VALUES (1, 2, 59, 1, NULL, 7), (1, 2, 59, 1, 'text', 7), (1, 2, 59, 1, NULL, 1);"
                  "CREATE TABLE StringIds (id, value); INSERT INTO StringIds VALUES (1, 'gemm');");
    const auto reduced = [&](std::string_view table) {
        for (const TableTally& tally : sink->report().tables)
            if (tally.name == table)
                return tally.reduced.empty() ? 0 : tally.reduced.front().count;
        return std::uint64_t{0};
    };
    EXPECT_EQ(reduced("CUPTI_ACTIVITY_KIND_KERNEL"), 2u);
    EXPECT_EQ(reduced("CUPTI_ACTIVITY_KIND_RUNTIME"), 1u);
    EXPECT_EQ(reduced("NVTX_EVENTS"), 1u);
    EXPECT_EQ(kept(*sink, "CUPTI_ACTIVITY_KIND_KERNEL"), 4u);
    EXPECT_THAT(sink->meta().warnings, ElementsAre("4 rows whose names the file refers to and does not have, shown as (unknown)."));
}

TEST_F(ReadingAReport, CountsTheNamesOfAFileWithoutTheTableOfTexts)
{
    const auto sink = readAfter(std::string(kKernels) + kernelAt(1, 2) + "DROP TABLE IF EXISTS StringIds;");
    ASSERT_FALSE(sink->report().tables.empty());
    EXPECT_THAT(sink->meta().warnings, ElementsAre("1 row whose names the file refers to and does not have, shown as (unknown)."));
}

class ReadingADamagedReport : public ReadingAReport
{
protected:
    static constexpr int kRows = 20'000;

    void SetUp() override
    {
        std::string sql = "PRAGMA page_size = 4096; " + std::string(kKernels) + "BEGIN;";
        for (int i = 0; i < kRows; ++i)
            sql += kernelAt(i * 10, i * 10 + 5);
        execute(sql + "COMMIT; CREATE TABLE NVTX_EVENTS (start, end, eventType, globalTid, text); INSERT INTO NVTX_EVENTS VALUES (10, 20, "
                      "59, 1, 'step');");
        bytes = test::readFile(path);
    }

    std::string bytes;
};

TEST_F(ReadingADamagedReport, ShowsAllButTheRowsOfADamagedPage)
{
    std::string damaged = bytes;
    damaged.replace(damaged.size() / 2 / 4096 * 4096, 4096, 4096, '\xFF');
    test::writeFile(path, damaged);
    const auto sink = read();
    EXPECT_GT(sink->all(&CollectedRows::kernels).size(), kRows - 300u);
    EXPECT_LT(sink->all(&CollectedRows::kernels).size(), std::size_t{kRows});
    EXPECT_EQ(sink->all(&CollectedRows::ranges).size(), 1u) << "the next table is read";
    EXPECT_EQ(skipped(*sink, "CUPTI_ACTIVITY_KIND_KERNEL", "damaged"), 1u);
    EXPECT_THAT(sink->meta().warnings, ElementsAre(HasSubstr("Part of table CUPTI_ACTIVITY_KIND_KERNEL is not shown")));
    EXPECT_FALSE(sink->meta().complete);
}

TEST_F(ReadingADamagedReport, ShowsWhatIsLeftOfOneThatIsCutOff)
{
    std::size_t opened = 0;
    for (std::size_t cut = 1; cut < 20; ++cut) {
        test::writeFile(path, std::string_view(bytes).substr(0, bytes.size() * cut / 20));
        test::CollectingSink sink;
        if (!readSqliteReport(path, sink, {}))
            continue;
        ++opened;
        EXPECT_FALSE(sink.meta().complete);
        ASSERT_FALSE(sink.meta().warnings.empty());
        EXPECT_THAT(sink.meta().warnings.front(), HasSubstr("truncated"));
        if (cut > 2) {
            EXPECT_GT(sink.all(&CollectedRows::kernels).size(), (cut - 2) * kRows / 20);
        }
    }
    EXPECT_GT(opened, 15u);
}

TEST_F(ReadingADamagedReport, ShowsAllButTheRowsOfAMissingLastPage)
{
    test::writeFile(path, std::string_view(bytes).substr(0, bytes.size() - 4096));
    EXPECT_GT(read()->all(&CollectedRows::kernels).size(), kRows - 300u);
}

TEST_F(ReadingADamagedReport, ShowsWhatCanBeUnpackedOfOneThatIsPackedAndCutOff)
{
    for (const bool isZstd : {true, false}) {
        const std::string packed = isZstd ? test::zstd(bytes) : test::gzip(bytes);
        test::writeFile(path, std::string_view(packed).substr(0, packed.size() * 9 / 10));
        const auto sink = read();
        EXPECT_GT(sink->all(&CollectedRows::kernels).size(), kRows / 4u);
        EXPECT_FALSE(sink->meta().complete);
        EXPECT_THAT(sink->meta().warnings, testing::Contains(HasSubstr("cut off")));
    }
}

TEST_F(ReadingADamagedReport, ShowsTheTablesBeforeDamageInTheListOfTables)
{
    std::string damaged = bytes;
    const std::size_t nvtx = damaged.find("CREATE TABLE NVTX_EVENTS");
    ASSERT_LT(nvtx, 4096u);
    damaged.replace(nvtx, 12, "CREATE ..ELB");
    test::writeFile(path, damaged);
    const auto sink = read();
    EXPECT_EQ(sink->all(&CollectedRows::kernels).size(), std::size_t{kRows});
    EXPECT_FALSE(sink->meta().complete);
    EXPECT_THAT(sink->meta().warnings, testing::Contains(HasSubstr("list of tables is damaged")));

    damaged.replace(damaged.find("CREATE TABLE StringIds"), 12, "CREATE ..ELB");
    damaged.replace(damaged.find("CREATE TABLE CUPTI"), 12, "CREATE ..ELB");
    std::size_t at = 0;
    for (const char* name : {"StringIds", "NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_KERNEL"})
        while ((at = damaged.substr(0, 4096).find(name)) != std::string::npos)
            damaged.replace(at, 5, "?????");
    test::writeFile(path, damaged);
    test::CollectingSink nothing;
    EXPECT_EQ(readSqliteReport(path, nothing, {}).error().code, ErrorCode::Truncated);
}

TEST_F(ReadingADamagedReport, OpensAnEndlessTreeOfPages)
{
    // Every child of the kernels' interior pages is the first leaf.
    std::string circle = bytes;
    for (std::size_t page = 4096; page < circle.size(); page += 4096)
        if (circle[page] == 5)
            for (std::size_t at = page + 12; at + 2 < page + 200; at += 2) {
                const std::size_t cell = static_cast<unsigned char>(circle[at]) * 256u + static_cast<unsigned char>(circle[at + 1]);
                if (cell > 0 && cell + 4 < 4096)
                    circle.replace(page + cell, 4, std::string_view("\0\0\0\2", 4));
            }
    test::writeFile(path, circle);
    const auto sink = read();
    EXPECT_LE(sink->all(&CollectedRows::kernels).size(), std::size_t{kRows});
    EXPECT_FALSE(sink->meta().complete);
}

} // namespace
} // namespace gantry::importing
