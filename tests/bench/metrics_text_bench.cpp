// Guards what a scrape costs: a page of an exporter on a node of eight GPUs, read as gantryd reads it, beside a pass that only finds the
// ends of its lines (the floor) and beside parsing each line anew.
//
//   metrics_text_bench [--benchmark_out=FILE] [...]

#include "remote_server/node/sampling/scraped_series.h"
#include "trace_model/metrics/prometheus_text.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

namespace {

using namespace gantry;

constexpr int kGpus = 8, kFields = 60, kProcesses = 15;

/// Names and labels as long as those of NVIDIA's exporter.
std::string makePage()
{
    std::string text;
    for (int field = 0; field < kFields; ++field) {
        const std::string name = "DCGM_FI_DEV_FIELD_" + std::to_string(field);
        text += "# HELP " + name + " A field of a GPU, with a sentence (in some unit).\n# TYPE " + name + " gauge\n";
        for (int gpu = 0; gpu < kGpus; ++gpu)
            for (int process = 0; process < kProcesses; ++process)
                text += name + "{gpu=\"" + std::to_string(gpu) + "\",UUID=\"GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e5" + std::to_string(gpu) +
                        "\",device=\"nvidia" + std::to_string(gpu) + "\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"node-0001\",pod=\"server-" +
                        std::to_string(process) + "\"} " + std::to_string(1000.5 * field + gpu) + "\n";
    }
    return text;
}

const std::string& page()
{
    static const std::string text = makePage();
    return text;
}

void count(benchmark::State& state)
{
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * page().size()));
}

void findLines(benchmark::State& state)
{
    for ([[maybe_unused]] auto step : state) {
        std::size_t lines = 0;
        const char* at = page().data();
        const char* const end = at + page().size();
        while (const auto* next = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
            ++lines;
            at = next + 1;
        }
        benchmark::DoNotOptimize(lines);
    }
    count(state);
}
BENCHMARK(findLines);

void readKnownSeries(benchmark::State& state)
{
    node::ScrapedSeries series("t1");
    benchmark::DoNotOptimize(series.read(page()));
    for ([[maybe_unused]] auto step : state)
        benchmark::DoNotOptimize(series.read(page()));
    count(state);
}
BENCHMARK(readKnownSeries);

void parseEachLine(benchmark::State& state)
{
    for ([[maybe_unused]] auto step : state)
        benchmark::DoNotOptimize(metrics::parsePrometheusText(page()));
    count(state);
}
BENCHMARK(parseEachLine);

} // namespace

BENCHMARK_MAIN();
