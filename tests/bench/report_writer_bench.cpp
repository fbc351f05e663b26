// Guards how reports are written: rows of kernels through ReportWriter against the library's prepared inserts of the same rows into the
// same table in the same run, and a window of recorded events from its close to its complete report.
//
//   report_writer_bench [--rows N] [--benchmark_out=FILE] [...]      1 M rows or events unless said otherwise
//
// A round is the product and its floor once, in turn; there are five, and the figures are their medians. Both sync the file at their
// end; on a disk that is most of the time, so that TMPDIR=/dev/shm tells what the writing itself takes.

#include "remote_server/node/report_assembler.h"
#include "tests/bench/bench_arguments.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/report/schema.h"

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace {

using namespace gantry;

constexpr int kRounds = 5;
constexpr std::uint64_t kGlobalPid = std::uint64_t{4711} << 24;

std::uint64_t g_rows = 1'000'000; // set by main() before a bench runs

/// What a piece of work took: of other programs on the machine the time of the processor is free.
struct Cost
{
    double seconds = 0, cpuSeconds = 0;
};

double readClock(clockid_t clock)
{
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Work>
Cost costOf(Work work)
{
    const double start = readClock(CLOCK_MONOTONIC), cpuStart = readClock(CLOCK_PROCESS_CPUTIME_ID);
    work();
    return {readClock(CLOCK_MONOTONIC) - start, readClock(CLOCK_PROCESS_CPUTIME_ID) - cpuStart};
}

double medianOf(std::vector<double> values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

report::KernelRow kernelOf(std::uint64_t i)
{
    report::KernelRow row;
    row.start = 1'000'000'000 + static_cast<std::int64_t>(i * 7313);
    row.end = row.start + static_cast<std::int64_t>(i * 7919 % 90'000);
    row.contextId = 1;
    row.streamId = 7 + static_cast<std::uint32_t>(i & 7);
    row.correlationId = static_cast<std::uint32_t>(i);
    row.globalPid = kGlobalPid;
    row.demangledName = row.shortName = row.mangledName = 1 + static_cast<std::int64_t>(i % 240);
    row.registersPerThread = 32 + static_cast<std::uint32_t>(i & 7) * 8;
    row.grid = {1u << i % 14, 1, 1};
    row.block = {128, 1, 1};
    row.staticSharedMemory = static_cast<std::uint32_t>(i & 15) * 1024;
    row.dynamicSharedMemory = static_cast<std::uint32_t>(i & 3) * 4096;
    row.localMemoryPerThread = 0;
    row.localMemoryTotal = 0;
    row.gridId = i;
    return row;
}

bool writeThroughReportWriter(const std::filesystem::path& path)
{
    auto writer = report::ReportWriter::create(path);
    if (!writer)
        return false;
    for (std::uint64_t i = 0; i < g_rows; ++i)
        writer->add(kernelOf(i));
    return writer->finish({}).hasValue();
}

bool writeThroughInserts(const std::filesystem::path& path)
{
    sqlite3* database = nullptr;
    if (sqlite3_open(path.c_str(), &database) != SQLITE_OK)
        return false;
    const auto execute = [&](const std::string& sql) {
        return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    };
    bool isDone = execute("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
                          "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; BEGIN");
    for (const report::Table& table : report::tables())
        isDone = isDone && execute(createStatement(table));
    sqlite3_stmt* insert = nullptr;
    constexpr char kInsert[] =
        "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL (start,\"end\",deviceId,contextId,streamId,correlationId,globalPid,demangledName,shortName,"
        "mangledName,registersPerThread,gridX,gridY,gridZ,blockX,blockY,blockZ,staticSharedMemory,dynamicSharedMemory,localMemoryPerThread,"
        "localMemoryTotal,gridId) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    isDone = isDone && sqlite3_prepare_v2(database, kInsert, -1, &insert, nullptr) == SQLITE_OK;
    for (std::uint64_t i = 0; isDone && i < g_rows; ++i) {
        const report::KernelRow row = kernelOf(i);
        int parameter = 0;
        for (const std::int64_t value : {row.start,
                                         row.end,
                                         std::int64_t{row.deviceId},
                                         std::int64_t{row.contextId},
                                         std::int64_t{row.streamId},
                                         std::int64_t{row.correlationId},
                                         static_cast<std::int64_t>(row.globalPid),
                                         row.demangledName,
                                         row.shortName,
                                         row.mangledName,
                                         std::int64_t{row.registersPerThread},
                                         std::int64_t{row.grid[0]},
                                         std::int64_t{row.grid[1]},
                                         std::int64_t{row.grid[2]},
                                         std::int64_t{row.block[0]},
                                         std::int64_t{row.block[1]},
                                         std::int64_t{row.block[2]},
                                         std::int64_t{row.staticSharedMemory},
                                         std::int64_t{row.dynamicSharedMemory},
                                         std::int64_t{*row.localMemoryPerThread},
                                         static_cast<std::int64_t>(*row.localMemoryTotal),
                                         static_cast<std::int64_t>(*row.gridId)})
            sqlite3_bind_int64(insert, ++parameter, value);
        isDone = sqlite3_step(insert) == SQLITE_DONE;
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    isDone = isDone && execute("COMMIT");
    sqlite3_close(database);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    isDone = isDone && fsync(fd) == 0;
    close(fd);
    return isDone;
}

/// Rows a second of both, and how many times as fast the product is.
void writeKernels(benchmark::State& state)
{
    const test::TemporaryFolder folder;
    std::vector<double> product, floor, ratio, cpuRatio;
    for (auto _ : state) {
        bool isDone = false;
        const Cost inserts = costOf([&] { isDone = writeThroughInserts(folder / "inserts.sqlite"); });
        if (!isDone)
            return state.SkipWithError("the floor did not write its file");
        const Cost written = costOf([&] { isDone = writeThroughReportWriter(folder / "report.gantry"); });
        if (!isDone)
            return state.SkipWithError("the product did not write its file");
        floor.push_back(inserts.seconds);
        product.push_back(written.seconds);
        ratio.push_back(inserts.seconds / written.seconds);
        cpuRatio.push_back(inserts.cpuSeconds / written.cpuSeconds);
        state.SetIterationTime(written.seconds);
        std::filesystem::remove(folder / "inserts.sqlite");
        std::filesystem::remove(folder / "report.gantry");
    }
    const auto rows = static_cast<double>(g_rows);
    state.counters["Mrows/s"] = rows / 1e6 / medianOf(product);
    state.counters["inserts_Mrows/s"] = rows / 1e6 / medianOf(floor);
    state.counters["times_as_fast"] = medianOf(ratio);
    state.counters["of_cpu"] = medianOf(cpuRatio);
}

/// Records of a window as the capture library writes them: of 10 events four kernels with their launches, and two NVTX ranges, one of
/// them with a registered text and one with a text of its own; on eight threads, in chunks that come one thread after another.
node::WindowCapture recordedWindow()
{
    constexpr std::int64_t kOpenMonotonic = 1'000'000'000'000, kOpenRealtime = 1'700'000'000'000'000'000;
    constexpr std::uint32_t kThreads = 8, kNames = 240;
    constexpr std::uint64_t kEventsOfAChunk = 2000;
    node::WindowCapture window;
    window.openMonotonicNs = kOpenMonotonic;
    window.closeMonotonicNs = kOpenMonotonic + static_cast<std::int64_t>(g_rows) * 1000;
    window.openRealtimeNs = kOpenRealtime;
    node::ProcessCapture& process = window.processes.emplace_back();
    process.pid = 4711;
    process.executable = "/usr/bin/serve";

    std::vector<std::byte> bytes;
    const auto add = [&](auto record, records::RecordType type, std::string_view text = {}) {
        record.header.type = type;
        record.header.size = static_cast<std::uint32_t>((sizeof record + text.size() + 7) / 8 * 8);
        bytes.assign(record.header.size, std::byte{0});
        std::memcpy(bytes.data(), &record, sizeof record);
        if (!text.empty())
            std::memcpy(bytes.data() + sizeof record, text.data(), text.size());
        process.records.add({type, bytes}, 0);
    };
    for (std::uint32_t id = 1; id <= 2 * kNames; ++id) {
        const std::string text =
            id <= kNames ? "_ZN4gemm12kernel_" + std::to_string(id) + "IfLi128EEEvPKT_" : "layer " + std::to_string(id);
        records::TextRecord record{};
        record.id = id;
        record.length = static_cast<std::uint32_t>(text.size());
        add(record, records::RecordType::Text, text);
    }
    records::NamedRecord apiName{};
    apiName.id = 211;
    apiName.length = 16;
    add(apiName, records::RecordType::ApiName, "cudaLaunchKernel");
    for (int i = 0; i < 20; ++i) {
        records::ClockRecord clock{};
        clock.monotonicNs = kOpenMonotonic + i * 100'000'000;
        clock.realtimeNs = kOpenRealtime + i * 100'000'003;
        clock.bracketNs = 200;
        add(clock, records::RecordType::ClockSample);
    }

    std::vector<std::uint64_t> pushes(kThreads);
    for (std::uint64_t first = 0; first < g_rows; first += kThreads * kEventsOfAChunk)
        for (std::uint32_t thread = 0; thread < kThreads; ++thread)
            for (std::uint64_t i = first + thread; i < std::min(g_rows, first + kThreads * kEventsOfAChunk); i += 10 * kThreads) {
                auto at = static_cast<std::int64_t>(i) * 1000;
                const auto nvtx = [&](records::RecordType type, std::uint64_t push, std::uint64_t around, std::uint32_t textId,
                                      std::string_view text) {
                    records::NvtxRecord range{};
                    range.time = kOpenMonotonic + (at += 10);
                    range.rangeId = push;
                    range.enclosing = static_cast<std::uint32_t>(around);
                    range.tid = 4711 + thread;
                    range.textId = textId;
                    range.textLength = static_cast<std::uint16_t>(text.size());
                    add(range, type, text);
                };
                const std::uint64_t outer = ++pushes[thread], inner = ++pushes[thread];
                const std::string own = "request step " + std::to_string(i % 1000);
                nvtx(records::RecordType::NvtxPush, outer, 0, kNames + 1 + static_cast<std::uint32_t>(i % kNames), {});
                nvtx(records::RecordType::NvtxPush, inner, outer, 0, own);
                for (std::uint32_t k = 0; k < 4; ++k) {
                    records::ApiRecord call{};
                    call.startRealtimeNs = kOpenRealtime + (at += 100);
                    call.endRealtimeNs = call.startRealtimeNs + 90;
                    call.tid = 4711 + thread;
                    call.correlationId = static_cast<std::uint32_t>(i + k * kThreads);
                    call.callbackId = 211;
                    add(call, records::RecordType::ApiCall);
                    records::KernelRecord kernel{};
                    kernel.startRealtimeNs = call.startRealtimeNs + 5000;
                    kernel.endRealtimeNs = kernel.startRealtimeNs + static_cast<std::int64_t>(i % 90'000);
                    kernel.gridId = i;
                    kernel.contextId = 1;
                    kernel.streamId = 7 + thread;
                    kernel.correlationId = call.correlationId;
                    kernel.nameId = 1 + static_cast<std::uint32_t>((i + k) % kNames);
                    std::fill(std::begin(kernel.grid), std::end(kernel.grid), 4u);
                    std::fill(std::begin(kernel.block), std::end(kernel.block), 32u);
                    kernel.registersPerThread = 64;
                    add(kernel, records::RecordType::Kernel);
                }
                nvtx(records::RecordType::NvtxPop, inner, outer, 0, {});
                nvtx(records::RecordType::NvtxPop, outer, 0, 0, {});
            }
    return window;
}

void assembleWindow(benchmark::State& state)
{
    const test::TemporaryFolder folder;
    const node::WindowCapture window = recordedWindow();
    std::vector<double> seconds, cpuSeconds;
    for (auto _ : state) {
        Result<report::WindowCost> written = report::WindowCost{};
        const Cost cost = costOf([&] { written = node::assembleReport(window, folder / "report.gantry"); });
        if (!written)
            return state.SkipWithError(written.error().text().c_str());
        seconds.push_back(cost.seconds);
        cpuSeconds.push_back(cost.cpuSeconds);
        state.SetIterationTime(cost.seconds);
    }
    const double perMillion = 1e9 / static_cast<double>(g_rows); // ms of seconds
    state.counters["ms/Mevents"] = medianOf(seconds) * perMillion;
    state.counters["cpu_ms/Mevents"] = medianOf(cpuSeconds) * perMillion;
    state.counters["MB"] = static_cast<double>(std::filesystem::file_size(folder / "report.gantry")) / 1e6;
}

} // namespace

int main(int argc, char** argv)
{
    if (!bench::takeNumber(argc, argv, "--rows", g_rows, std::uint64_t{1})) {
        std::fprintf(stderr, "report_writer_bench: --rows takes the number of rows\n");
        return 64;
    }
    if (!bench::initialiseTabular(argc, argv))
        return 64;
    benchmark::RegisterBenchmark("rows of kernels, floor prepared inserts", writeKernels)
        ->Iterations(kRounds)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("a window from its close to its report", assembleWindow)
        ->Iterations(kRounds)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
