// Guards the table of events at ten million rows: that listing and sorting them is a matter of a moment beside the UI thread, that the UI
// thread takes a new list without a pause, and that a frame of scrolling costs what is seen. Compare --rows 1000000 with --rows 10000000:
// `take` and `scroll` must not grow.
//
//   event_table_bench [--rows N] [--benchmark_out=FILE] [...]      1 M events unless said otherwise
//
// list     all events of the report, by start
// filter   those that meet a filter of two terms
// sort     the list by each column: 0 start (turned around), 1 duration, 2 kind, 3 name, 4 place
// take     from a list that is ready to rows on the screen: what the UI thread does; 1: with QTableView
// find     the row of an event that the timeline selects: 0 by start, 1 in another order
// scroll   one frame after another by the wheel, a page, and to anywhere: median and 99th percentile in ms

#include "tests/bench/bench_arguments.h"
#include "tests/bench/desktop_bench.h"
#include "tests/bench/synthetic_ranks.h"
#include "trace_model/analysis/event_list.h"
#include "widgets/tables/event_order.h"
#include "widgets/tables/event_table.h"
#include "widgets/tables/long_table_view.h"
#include "widgets/tables/table_style.h"

#include <QApplication>
#include <QHeaderView>
#include <QScrollBar>
#include <QTableView>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace gantry;
using namespace gantry::widgets;

std::uint64_t g_rows = 1'000'000; // set by main() before a bench runs

constexpr std::uint32_t kRanks = 6;
using Events = std::vector<trace::EventId>;

const std::shared_ptr<const trace::Trace>& ranks()
{
    static const auto kTrace = bench::traceOfRanks(g_rows, kRanks);
    return kTrace;
}

Events allEvents()
{
    return *analysis::listEvents(*ranks(), {ranks()->time, {}, {}});
}

double milliseconds(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// MiB of memory that this process holds.
double residentMiB()
{
    std::ifstream file("/proc/self/statm"); // proc(5): pages, the second number
    std::size_t all = 0, resident = 0;
    file >> all >> resident;
    return static_cast<double>(resident) * 4096 / (1024 * 1024);
}

void list(benchmark::State& state)
{
    std::size_t count = 0;
    for (auto _ : state)
        count = allEvents().size();
    state.counters["events"] = static_cast<double>(count);
}

void filter(benchmark::State& state)
{
    const auto filter = analysis::parseEventFilter("kind=kernel dur>5us").value();
    std::size_t count = 0;
    for (auto _ : state)
        count = analysis::listEvents(*ranks(), {ranks()->time, {}, filter})->size();
    state.counters["events"] = static_cast<double>(count);
}

void sort(benchmark::State& state)
{
    const Events all = allEvents();
    for (auto _ : state) {
        Events events = all;
        state.SetIterationTime(
            milliseconds([&] { sortEvents(*ranks(), events, static_cast<EventColumn>(state.range(0)), Qt::AscendingOrder); }) / 1000);
    }
}

/// 0: as the desktop does it; 1: with Qt's table, for what it would cost.
void take(benchmark::State& state)
{
    const bool isQt = state.range(0) == 1;
    EventTable table;
    EventModel model;
    QTableView other;
    applyTableStyle(other);
    other.verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    other.setModel(&model);
    QWidget& shown = isQt ? static_cast<QWidget&>(other) : table;
    shown.resize(1600, 400);
    shown.show();
    QCoreApplication::processEvents();
    const Events all = allEvents();
    double grown = 0;
    for (auto _ : state) {
        Events events = all;
        const double before = residentMiB();
        state.SetIterationTime(milliseconds([&] {
                                   if (isQt)
                                       model.setEvents(ranks(), std::move(events));
                                   else
                                       table.setEvents(ranks(), std::move(events), QStringLiteral("in view"));
                                   QCoreApplication::processEvents();
                                   shown.repaint();
                               }) /
                               1000);
        grown = std::max(grown, residentMiB() - before);
        if (isQt)
            model.setEvents(nullptr, {});
        else
            table.clear();
    }
    state.counters["grown_MiB"] = grown;
}

void find(benchmark::State& state)
{
    EventModel model;
    const Events all = allEvents();
    model.setEvents(ranks(), all, state.range(0) == 0);
    for (auto _ : state)
        benchmark::DoNotOptimize(model.rowOf(all.back()));
}

void scroll(benchmark::State& state)
{
    EventTable table;
    table.resize(1600, 400);
    table.setEvents(ranks(), allEvents(), QStringLiteral("in view"));
    table.show();
    QCoreApplication::processEvents();
    QScrollBar& bar = *table.view().verticalScrollBar();
    std::mt19937 random(1); // NOLINT(bugprone-random-generator-seed): the same places in every run
    std::vector<double> times;
    for (auto _ : state) {
        double sum = 0;
        const auto frame = [&](int row) {
            times.push_back(milliseconds([&] {
                bar.setValue(row);
                table.view().viewport()->repaint();
            }));
            sum += times.back();
        };
        for (int i = 0; i < 100; ++i)
            frame(bar.value() + 3);
        for (int i = 0; i < 100; ++i)
            frame(bar.value() + bar.pageStep());
        for (int i = 0; i < 100; ++i)
            frame(static_cast<int>(random() % static_cast<unsigned>(bar.maximum())));
        state.SetIterationTime(sum / 1000);
    }
    std::sort(times.begin(), times.end());
    state.counters["median_ms"] = times[times.size() / 2];
    state.counters["p99_ms"] = times[times.size() * 99 / 100];
    state.counters["rows"] = static_cast<double>(table.model().rowCount());
    state.counters["lines"] = static_cast<double>(table.view().viewport()->height() / table.view().rowHeight());
}

BENCHMARK(list)->Iterations(5)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(filter)->Iterations(5)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sort)->DenseRange(0, 4)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(take)->Arg(0)->Arg(1)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(find)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(scroll)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

} // namespace

int main(int argc, char** argv)
{
    if (!bench::takeNumber(argc, argv, "--rows", g_rows, std::uint64_t{10'000})) {
        std::fprintf(stderr, "event_table_bench: --rows takes the number of events, at least 10000\n");
        return 64;
    }
    return bench::runWithApplication(argc, argv);
}
