// Guards how reports are opened: loadTrace() on a synthetic report, against the floors that the same run measures on the same file:
// a plain sqlite3_step loop over all columns, simdjson's ondemand parser taking eight fields of an event on one thread, and read().
//
//   import_bench [--rows N] [--benchmark_out=FILE] [...]      1 M events unless said otherwise; --rows 10000000 for the figures
//
// A round is each of them once, in turn, in a process of its own, so that none finds the memory or the noise of another; there are
// five, from the page cache, and the figures are their medians: seconds of each, product / floor, and the growth of the resident set
// by the loaded trace in bytes per event. The table is printed, and is in FILE as JSON.

#include "tests/bench/bench_arguments.h"
#include "tests/bench/synthetic_trace.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"

#include <benchmark/benchmark.h>
#include <simdjson.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace gantry;
using namespace gantry::bench;

constexpr int kRounds = 5;

std::uint64_t g_rows = 1'000'000; // set by main() before a bench runs

/// What one run of something told.
struct Measurement
{
    double seconds = 0;
    std::uint64_t residentBytes = 0, peakBytes = 0; ///< more than before the run
    SyntheticSums sums;
    bool isDone = false;
};

/// Bytes of this process in memory.
std::uint64_t residentBytes()
{
    std::uint64_t total = 0, resident = 0;
    if (FILE* statm = std::fopen("/proc/self/statm", "r")) { // proc(5): size, resident, ... in pages
        if (std::fscanf(statm, "%lu %lu", &total, &resident) != 2)
            resident = 0;
        std::fclose(statm);
    }
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Runs `work` in a child and takes what it measured from there.
Measurement measure(const std::function<void(Measurement&)>& work)
{
    int ends[2];
    if (pipe(ends) != 0)
        return {};
    const pid_t child = fork();
    if (child == 0) {
        Measurement measured;
        work(measured);
        const bool isTold = write(ends[1], &measured, sizeof measured) == sizeof measured;
        _exit(isTold ? 0 : 1);
    }
    close(ends[1]);
    Measurement measured;
    if (read(ends[0], &measured, sizeof measured) != sizeof measured)
        measured = {};
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return measured;
}

double secondsOf(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename Columns>
SyntheticSum sumOf(const trace::Trace& trace, const Columns& columns)
{
    SyntheticSum sum;
    sum.count = columns.size();
    for (std::size_t row = 0; row < columns.size(); ++row) {
        const TimeRange time = columns.time(row);
        sum.start += static_cast<std::uint64_t>(time.start - trace.time.start);
        sum.duration += static_cast<std::uint64_t>(time.duration());
        if constexpr (requires { columns.correlation[row]; })
            sum.correlation += columns.correlation[row];
    }
    return sum;
}

void load(const std::filesystem::path& path, Measurement& measured)
{
    const std::uint64_t before = residentBytes();
    Result<std::shared_ptr<const trace::Trace>> trace = Error{};
    measured.seconds = secondsOf([&] { trace = trace::loadTrace(path); });
    measured.residentBytes = residentBytes() - before;
    struct rusage usage
    {
    };
    getrusage(RUSAGE_SELF, &usage);
    measured.peakBytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024 - before;
    if (!trace) {
        std::fprintf(stderr, "import_bench: %s\n", trace.error().text().c_str());
        return;
    }
    const trace::Trace& t = **trace;
    measured.sums = {sumOf(t, t.nvtxRanges), sumOf(t, t.apiCalls), sumOf(t, t.kernels), sumOf(t, t.memcpys)};
    measured.isDone = true;
}

/// Every column of every row of the event tables, as whoever reads through the library does at least.
void stepThroughTables(const std::filesystem::path& path, Measurement& measured)
{
    measured.seconds = secondsOf([&] {
        sqlite3* database = nullptr;
        if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
            return;
        std::int64_t sum = 0;
        std::uint64_t rows = 0;
        for (const char* table :
             {"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS", "StringIds"}) {
            sqlite3_stmt* statement = nullptr;
            if (sqlite3_prepare_v2(database, (std::string("SELECT * FROM ") + table).c_str(), -1, &statement, nullptr) != SQLITE_OK)
                return;
            const int columns = sqlite3_column_count(statement);
            for (; sqlite3_step(statement) == SQLITE_ROW; ++rows)
                for (int column = 0; column < columns; ++column)
                    switch (sqlite3_column_type(statement, column)) {
                    case SQLITE_INTEGER:
                        sum += sqlite3_column_int64(statement, column);
                        break;
                    case SQLITE_FLOAT:
                        sum += static_cast<std::int64_t>(sqlite3_column_double(statement, column));
                        break;
                    case SQLITE_TEXT:
                        sum += *sqlite3_column_text(statement, column) + sqlite3_column_bytes(statement, column);
                        break;
                    default:
                        break;
                    }
            sqlite3_finalize(statement);
        }
        sqlite3_close(database);
        benchmark::DoNotOptimize(sum);
        measured.isDone = rows >= g_rows;
    });
}

void readThrough(const std::filesystem::path& path, Measurement& measured)
{
    std::vector<char> buffer(std::size_t{4} << 20);
    measured.seconds = secondsOf([&] {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        std::uint64_t bytes = 0;
        for (ssize_t count = 0; (count = read(fd, buffer.data(), buffer.size())) > 0;)
            bytes += static_cast<std::uint64_t>(count);
        close(fd);
        measured.isDone = bytes == std::filesystem::file_size(path);
    });
}

/// Category, name, process, thread, start, duration, correlation and stream of each event; decimals through the double.
void parseOnDemand(const std::filesystem::path& path, Measurement& measured)
{
    measured.seconds = secondsOf([&] {
        simdjson::padded_string text;
        if (simdjson::padded_string::load(path.string()).get(text) != simdjson::SUCCESS)
            return;
        simdjson::ondemand::parser parser;
        simdjson::ondemand::document document;
        if (parser.iterate(text).get(document) != simdjson::SUCCESS)
            return;
        std::uint64_t events = 0, texts = 0, numbers = 0;
        double times = 0;
        for (simdjson::ondemand::object event : document["traceEvents"]) {
            std::string_view value;
            if (event["ph"].get(value) != simdjson::SUCCESS || value != "X")
                continue;
            ++events;
            texts += std::string_view(event["cat"]).size() + std::string_view(event["name"]).size();
            numbers += std::uint64_t(event["pid"]) + std::uint64_t(event["tid"]);
            times += double(event["ts"]) + double(event["dur"]);
            simdjson::ondemand::object arguments = event["args"];
            std::uint64_t number = 0;
            for (const char* key : {"stream", "correlation"})
                if (arguments[key].get(number) == simdjson::SUCCESS)
                    numbers += number;
        }
        benchmark::DoNotOptimize(texts + numbers);
        benchmark::DoNotOptimize(times);
        measured.isDone = events == g_rows;
    });
}

double medianOf(std::vector<double> values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// A format: who writes it, and what is the least that reading it takes.
struct Subject
{
    const char* name;
    const char* fileName;
    Result<SyntheticSums> (*write)(const std::filesystem::path&, std::uint64_t events);
    void (*floor)(const std::filesystem::path&, Measurement&);
};

constexpr Subject kSubjects[] = {
    {"nsys_sqlite, floor sqlite3_step of all columns", "report.sqlite", writeNsysSqlite, stepThroughTables},
    {"kineto_json, floor simdjson ondemand of 8 fields", "trace.json", writeKinetoJson, parseOnDemand},
};

/// Five rounds of read(), the floor and the product. The file is there for as long alone: of 100 M events it is large.
void openFile(benchmark::State& state, const Subject& subject)
{
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / subject.fileName;
    const Result<SyntheticSums> written = subject.write(path, g_rows);
    if (!written)
        return state.SkipWithError(written.error().text().c_str());
    std::vector<double> read, floorSeconds, product, ratio, resident, peak;
    for (auto _ : state) {
        const Measurement reading = measure([&](Measurement& measured) { readThrough(path, measured); });
        const Measurement floorRun = measure([&](Measurement& measured) { subject.floor(path, measured); });
        const Measurement loading = measure([&](Measurement& measured) { load(path, measured); });
        if (!reading.isDone || !floorRun.isDone || !loading.isDone)
            return state.SkipWithError(reading.isDone && floorRun.isDone ? "the product did not open the file"
                                                                         : "a floor did not read the file");
        if (loading.sums != written->fromFirstStart())
            return state.SkipWithError("the product read other events than were written");
        state.SetIterationTime(loading.seconds);
        read.push_back(reading.seconds);
        floorSeconds.push_back(floorRun.seconds);
        product.push_back(loading.seconds);
        ratio.push_back(loading.seconds / floorRun.seconds);
        resident.push_back(static_cast<double>(loading.residentBytes) / static_cast<double>(g_rows));
        peak.push_back(static_cast<double>(loading.peakBytes) / static_cast<double>(g_rows));
    }
    state.counters["product_s"] = medianOf(product);
    state.counters["floor_s"] = medianOf(floorSeconds);
    state.counters["read_s"] = medianOf(read);
    state.counters["product/floor"] = medianOf(ratio);
    state.counters["MB/s"] = static_cast<double>(std::filesystem::file_size(path)) / 1e6 / medianOf(product);
    state.counters["B/event"] = medianOf(resident);
    state.counters["peak_B/event"] = medianOf(peak);
}

} // namespace

int main(int argc, char** argv)
{
    if (!bench::takeNumber(argc, argv, "--rows", g_rows, std::uint64_t{1})) {
        std::fprintf(stderr, "import_bench: --rows takes the number of events\n");
        return 64;
    }
    if (!bench::initialiseTabular(argc, argv))
        return 64;
    for (const Subject& subject : kSubjects)
        benchmark::RegisterBenchmark(subject.name, [&](benchmark::State& state) { openFile(state, subject); })
            ->Iterations(kRounds)
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
