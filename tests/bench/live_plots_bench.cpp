// Guards what live plots cost the thread that draws: 60 panels with 4 series each, an hour at 10 Hz behind them, in a page that is scrolled
// to its top. An update is a batch of all series, the panels computed anew, and what of them is in view painted.
//
//   live_plots_bench [--benchmark_out=FILE] [...]
//
// minute   a window of a minute, which the page draws ten times a second: ms of an update, and the share of a core that ten of them take
// hour     a window of the whole hour, which the page draws every two seconds, while batches go on coming ten times a second
// memory   bytes that the process has more for each sample of the hour

#include "app/desktop/live_series.h"
#include "tests/bench/desktop_bench.h"
#include "tests/bench/process_cost.h"
#include "widgets/plots/live_plot_grid.h"

#include <QApplication>
#include <QScrollArea>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace gantry;
using bench::kilobytesOf;

constexpr int kPanels = 60, kSeriesOfAPanel = 4;
constexpr int kRateHz = 10;
constexpr DurationNs kSecond = 1'000'000'000, kHour = 3600 * kSecond, kStep = kSecond / kRateHz;
constexpr DurationNs kLongestGap = 3 * kSecond;

double threadMilliseconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

double millisecondsOf(const std::function<void()>& work)
{
    const double before = threadMilliseconds();
    work();
    return threadMilliseconds() - before;
}

/// A node with that many gauges, and the page that shows them.
class Page
{
public:
    Page()
    {
        std::string panels;
        for (int panel = 0; panel < kPanels; ++panel)
            panels += std::string(panel > 0 ? "," : "") + R"({"title": "P", "queries": ["gauge_)" + std::to_string(panel) + "\"]}";
        m_dashboard = *metrics::Dashboard::parse(R"({"title": "T", "panels": [)" + panels + "]}");
        m_area.setWidgetResizable(true);
        m_area.setWidget(m_grid);
        m_area.resize(1600, 1000);
        m_area.show();
        const double before = kilobytesOf(getpid(), "Private_Dirty");
        m_series.restart("boot");
        while (m_now < kHour) {
            add();
            if (m_now % (60 * kSecond) == 0)
                (void)m_series.panels(m_dashboard, {m_now - kStep, m_now}, nameOf, [](const QString&) { return true; }); // sorts what waits
        }
        m_bytesASample = (kilobytesOf(getpid(), "Private_Dirty") - before) * 1024 / static_cast<double>(m_samples);
    }

    void add()
    {
        m_now += kStep;
        proto::MetricsBatch batch;
        for (int i = 0; i < kPanels * kSeriesOfAPanel; ++i) {
            const auto id = static_cast<std::uint32_t>(i + 1);
            if (m_samples < kPanels * kSeriesOfAPanel)
                batch.definitions.push_back({id,
                                             "gauge_" + std::to_string(i / kSeriesOfAPanel),
                                             "count",
                                             metrics::SeriesKind::Gauge,
                                             {{"gpu", std::to_string(i % kSeriesOfAPanel)}},
                                             {}});
            const double noise = static_cast<double>((m_now / kStep * 7919 + i * 104729) % 1000) / 100;
            batch.samples.push_back({id, m_now, 50 + 30 * std::sin(static_cast<double>(m_now) / 3e10 + i) + noise});
        }
        m_samples += batch.samples.size();
        batch.nodeMonoNs = m_now;
        m_series.add(batch);
    }

    void draw(DurationNs length)
    {
        const TimeRange window{m_now - length, m_now + 1};
        m_grid->setPanels(m_series.panels(m_dashboard, window, nameOf, [this](const QString& key) { return m_grid->isInView(key); }),
                          window, kLongestGap);
        QApplication::processEvents();
    }

    [[nodiscard]] double bytesASample() const { return m_bytesASample; }

private:
    static QString nameOf(const std::string& id) { return QString::fromStdString(id); }

    metrics::Dashboard m_dashboard;
    desktop::LiveSeries m_series;
    QScrollArea m_area;
    widgets::LivePlotGrid* m_grid = new widgets::LivePlotGrid; // of the area
    TimestampNs m_now = 0;
    std::size_t m_samples = 0;
    double m_bytesASample = 0;
};

Page& page()
{
    static auto* shown = new Page; // until the process ends: it goes after the application otherwise
    return *shown;
}

/// `batchesADraw`: how many come between two times that the page draws.
void update(benchmark::State& state, DurationNs length, int batchesADraw)
{
    for (int i = 0; i < 3; ++i)
        page().draw(length); // laid out
    std::vector<double> draws;
    double all = 0;
    for (auto _ : state) {
        all += millisecondsOf([&] {
            for (int i = 0; i < batchesADraw; ++i)
                page().add();
        });
        draws.push_back(millisecondsOf([&] { page().draw(length); }));
        all += draws.back();
    }
    std::sort(draws.begin(), draws.end());
    const double seconds = static_cast<double>(draws.size()) * batchesADraw / kRateHz;
    state.counters["draw_ms_median"] = draws[draws.size() / 2];
    state.counters["draw_ms_p99"] = draws[draws.size() * 99 / 100];
    state.counters["core_percent"] = all / 10 / seconds;
    state.counters["bytes_a_sample"] = page().bytesASample();
}

void minute(benchmark::State& state)
{
    update(state, 60 * kSecond, 1);
}

void hour(benchmark::State& state)
{
    update(state, kHour, 2 * kRateHz);
}

BENCHMARK(minute)->Iterations(100)->Unit(benchmark::kMillisecond);
BENCHMARK(hour)->Iterations(10)->Unit(benchmark::kMillisecond);

} // namespace

int main(int argc, char** argv)
{
    return gantry::bench::runWithApplication(argc, argv);
}
