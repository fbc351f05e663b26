// Guards the one read path of drawing: a row of a million spans, 4,000 pixels wide, must cost about as much as finding the 4,000
// pixel boundaries in the sorted column (the floor), however many spans lie under a pixel.

#include "trace_model/trace/visible_spans.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace gantry;
using namespace gantry::trace;

constexpr std::uint32_t kSpans = 1'000'000;
constexpr int kWidthPx = 4'000;

/// One stream row of kernels like an inference server's: 2 to 20 µs long, 0 to 10 µs apart.
const Trace& streamTrace()
{
    static const Trace kTrace = [] {
        Trace trace;
        std::mt19937_64 random(1); // NOLINT(bugprone-random-generator-seed): the same trace in every run
        std::uniform_int_distribution<DurationNs> length(2'000, 20'000), gap(0, 10'000);
        DepthRow row;
        TimestampNs now = 0;
        DurationNs busy = 0;
        for (std::uint32_t i = 0; i < kSpans; ++i) {
            now += gap(random);
            const TimestampNs start = now;
            now += length(random);
            trace.kernels.addTimes(start, now);
            if (i % DepthRow::kBlock == 0) {
                row.blockStart.push_back(start);
                row.blockBusy.push_back(busy);
            }
            busy += now - start;
            row.event.push_back(EventId(EventKind::Kernel, i));
        }
        trace.time = {0, now};
        Track track;
        track.kind = TrackKind::GpuStream;
        track.rows.push_back(std::move(row));
        trace.tracks.push_back(std::move(track));
        return trace;
    }();
    return kTrace;
}

/// The middle of the trace, 1 / `zoom` of it.
TimeRange windowOf(const Trace& trace, std::int64_t zoom)
{
    const DurationNs length = trace.time.duration() / zoom;
    const TimestampNs start = (trace.time.duration() - length) / 2;
    return {start, start + length};
}

void visibleSpansOfOneRow(benchmark::State& state)
{
    const Trace& trace = streamTrace();
    const TimeRange window = windowOf(trace, state.range(0));
    std::size_t drawn = 0;
    for (auto _ : state) {
        const std::vector<VisibleSpan> spans = visibleSpans(trace, TrackId(0), window, kWidthPx);
        drawn = spans.size();
        benchmark::DoNotOptimize(spans.data());
    }
    state.counters["drawn"] = static_cast<double>(drawn);
}

/// The least that any answer needs: one binary search per pixel boundary, from where the last one ended.
void floorOnePixelSearchEach(benchmark::State& state)
{
    const Trace& trace = streamTrace();
    const TimeRange window = windowOf(trace, state.range(0));
    const Column<TimestampNs>& starts = trace.kernels.start;
    for (auto _ : state) {
        std::vector<std::uint32_t> first;
        first.reserve(kWidthPx);
        auto at = starts.begin();
        for (int x = 0; x < kWidthPx; ++x) {
            at = std::lower_bound(at, starts.end(), window.start + window.duration() * x / kWidthPx);
            first.push_back(static_cast<std::uint32_t>(at - starts.begin()));
        }
        benchmark::DoNotOptimize(first.data());
    }
}

// Zoom 1: 250 spans under a pixel. 250: about one. 10000: each span wider than a pixel.
BENCHMARK(visibleSpansOfOneRow)->Arg(1)->Arg(16)->Arg(250)->Arg(10'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(floorOnePixelSearchEach)->Arg(1)->Arg(16)->Arg(250)->Arg(10'000)->Unit(benchmark::kMicrosecond);

} // namespace
