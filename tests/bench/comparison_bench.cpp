// How long comparing two reports takes: it decides whether a comparison may be made again with each change of a window, and how many rows
// are tested (comparison.cpp, kMostTested). The floor is one pass over all start times.
#include "tests/support/simulated_server.h"
#include "trace_model/analysis/comparison.h"

#include <benchmark/benchmark.h>

namespace gantry::bench {
namespace {

/// About `events` events of a server: 27 kernels and copies of an execution, a launch each, and its requests.
std::shared_ptr<const trace::Trace> traceOf(std::int64_t events, std::uint64_t seed)
{
    test::ServerSetup setup;
    setup.seed = seed;
    setup.requests = static_cast<int>(events / 40);
    return test::traceOfServer(setup);
}

void compareTwo(benchmark::State& state)
{
    const auto a = traceOf(state.range(0), 1), b = traceOf(state.range(0), 2);
    for (auto _ : state)
        benchmark::DoNotOptimize(analysis::compare(*a, *b));
    state.counters["events"] = static_cast<double>(a->eventCount() + b->eventCount());
}
BENCHMARK(compareTwo)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(3);

void readStartTimes(benchmark::State& state)
{
    const auto a = traceOf(state.range(0), 1);
    for (auto _ : state) {
        TimestampNs sum = 0;
        for (int kind = 0; kind < trace::kEventKindCount; ++kind)
            for (const TimestampNs start : a->columns(static_cast<trace::EventKind>(kind)).start)
                sum += start;
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(readStartTimes)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace gantry::bench
