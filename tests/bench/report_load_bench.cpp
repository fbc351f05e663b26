// Guards how reports are read: loading into a Trace, in rows/s, against a plain sqlite3_step loop over the same tables of the same
// file (the floor of anything that reads through the SQLite library). Both read from the page cache.

#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

using namespace gantry;

constexpr std::int64_t kLaunches = 200'000; ///< each one kernel, one API call and one range

/// A report of kLaunches launches in a temporary folder, written once and removed at exit.
class SyntheticReport
{
public:
    SyntheticReport()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "gantry-bench-XXXXXX").string();
        if (!mkdtemp(pattern.data()))
            fail(errnoError(errno, "making a temporary folder"));
        m_folder = pattern;
        m_path = m_folder / "launches.gantry";
        auto writer = report::ReportWriter::create(m_path);
        if (!writer)
            fail(writer.error());
        write(*writer);
        report::ReportWriter::Session session;
        session.window = {0, kLaunches * 10'000};
        if (const Result<void> finished = writer->finish(session); !finished)
            fail(finished.error());
    }
    SyntheticReport(const SyntheticReport&) = delete;
    SyntheticReport& operator=(const SyntheticReport&) = delete;
    ~SyntheticReport() { std::filesystem::remove_all(m_folder); }

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    [[noreturn]] static void fail(const Error& error)
    {
        std::fprintf(stderr, "report_load_bench: %s\n", error.text().c_str());
        std::exit(1); // NOLINT(concurrency-mt-unsafe): one thread
    }

private:
    static void write(report::ReportWriter& writer)
    {
        std::array<report::TextId, 16> kernelNames{};
        for (std::size_t i = 0; i < kernelNames.size(); ++i)
            kernelNames[i] = writer.intern("gemm_" + std::to_string(i));
        const report::TextId launchName = writer.intern("cudaLaunchKernel");
        const report::TextId rangeName = writer.intern("compute_infer");
        constexpr std::uint64_t kPid = std::uint64_t{4711} << 24;
        for (std::int64_t i = 0; i < kLaunches; ++i) {
            const TimestampNs start = i * 10'000;
            report::KernelRow kernel;
            kernel.start = start + 4'000;
            kernel.end = start + 9'000;
            kernel.contextId = 1;
            kernel.streamId = static_cast<std::uint32_t>(7 + i % 4);
            kernel.correlationId = static_cast<std::uint32_t>(i + 1);
            kernel.globalPid = kPid;
            kernel.shortName = kernel.demangledName = kernelNames[static_cast<std::size_t>(i) % kernelNames.size()];
            writer.add(kernel);
            report::ApiRow call;
            call.start = start + 1'000;
            call.end = start + 3'000;
            call.globalTid = kPid | 4711;
            call.correlationId = kernel.correlationId;
            call.nameId = launchName;
            writer.add(call);
            report::NvtxRow range;
            range.start = start;
            range.end = start + 9'500;
            range.textId = rangeName;
            range.globalTid = kPid | 4711;
            writer.add(range);
        }
    }

    std::filesystem::path m_folder;
    std::filesystem::path m_path;
};

const SyntheticReport& syntheticReport()
{
    static const SyntheticReport kReport;
    return kReport;
}

void loadTraceOfReport(benchmark::State& state)
{
    const std::filesystem::path& path = syntheticReport().path();
    std::int64_t rows = 0;
    for (auto _ : state) {
        auto trace = trace::loadTrace(path);
        if (!trace)
            SyntheticReport::fail(trace.error());
        rows += static_cast<std::int64_t>((*trace)->kernels.size() + (*trace)->apiCalls.size() + (*trace)->nvtxRanges.size());
    }
    state.SetItemsProcessed(rows);
}

void floorSqliteStep(benchmark::State& state)
{
    constexpr std::array<const char*, 3> kTables = {"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS"};
    const std::string path = syntheticReport().path().string();
    std::int64_t rows = 0;
    for (auto _ : state) {
        sqlite3* database = nullptr;
        if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK)
            SyntheticReport::fail({ErrorCode::Internal, sqlite3_errmsg(database), {}});
        std::int64_t sum = 0;
        for (const char* table : kTables) {
            sqlite3_stmt* statement = nullptr;
            if (sqlite3_prepare_v2(database, (std::string("SELECT * FROM ") + table).c_str(), -1, &statement, nullptr) != SQLITE_OK)
                SyntheticReport::fail({ErrorCode::Internal, sqlite3_errmsg(database), {}});
            const int columns = sqlite3_column_count(statement);
            while (sqlite3_step(statement) == SQLITE_ROW) {
                for (int column = 0; column < columns; ++column)
                    sum += sqlite3_column_int64(statement, column);
                ++rows;
            }
            sqlite3_finalize(statement);
        }
        sqlite3_close(database);
        benchmark::DoNotOptimize(sum);
    }
    state.SetItemsProcessed(rows);
}

BENCHMARK(loadTraceOfReport)->Unit(benchmark::kMillisecond);
BENCHMARK(floorSqliteStep)->Unit(benchmark::kMillisecond);

} // namespace
