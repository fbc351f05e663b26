// Guards that an idle desktop costs nothing: with a report open and nobody touching it, the event loop does not wake up and nothing is
// painted. Both are to be 0.
//
//   idle_bench [--seconds N] [--benchmark_out=FILE] [...]      10 s unless said otherwise

#include "app/desktop/inspector.h"
#include "app/desktop/main_window.h"
#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/bench/bench_arguments.h"
#include "tests/bench/desktop_bench.h"

#include <QAbstractEventDispatcher>
#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTimer>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace {

using namespace gantry;
using namespace gantry::desktop;

constexpr int kOwnWakeUps = 2; // entering the loop and the timer that ends it
constexpr int kSettlingMs = 4000;
int g_seconds = 10; // set by main() before the bench runs

double processSeconds()
{
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Counts what is painted anywhere in the application.
class Paints : public QObject
{
public:
    bool eventFilter(QObject*, QEvent* event) override
    {
        m_count += event->type() == QEvent::Paint;
        return false;
    }
    [[nodiscard]] int count() const { return m_count; }

private:
    int m_count = 0;
};

/// What happened while nobody did anything.
struct Activity
{
    int paints = 0, wakeUps = 0;
    double cpuMs = 0;
};

/// Runs the event loop for a while.
Activity idleFor(int milliseconds)
{
    Paints paints;
    qApp->installEventFilter(&paints);
    Activity activity;
    const auto counting =
        QObject::connect(QCoreApplication::eventDispatcher(), &QAbstractEventDispatcher::awake, [&activity] { ++activity.wakeUps; });
    const double cpuBefore = processSeconds();
    QEventLoop loop;
    QTimer::singleShot(milliseconds, Qt::PreciseTimer, &loop, &QEventLoop::quit);
    loop.exec();
    QObject::disconnect(counting);
    activity.paints = paints.count();
    activity.wakeUps = std::max(0, activity.wakeUps - kOwnWakeUps);
    activity.cpuMs = (processSeconds() - cpuBefore) * 1000;
    return activity;
}

void idleDesktop(benchmark::State& state)
{
    const QTemporaryDir folder;
    Settings settings(folder.path(), folder.filePath(QStringLiteral("gantry.ini")));
    jobs::JobRunner runner(2);
    MainWindow window(runner, settings, TraceSource());
    window.resize(1600, 1000);
    window.show();
    ReportPage& page = window.openReport(GANTRY_SOURCE_DIR "/resources/demo/bert-pageable.gantry.zst");
    QElapsedTimer opening;
    opening.start();
    while (page.state() != ReportPage::State::Loaded && opening.elapsed() < 60'000)
        QCoreApplication::processEvents(QEventLoop::AllEvents, 50);
    if (page.state() != ReportPage::State::Loaded) {
        state.SkipWithError("the report does not open");
        return;
    }
    idleFor(kSettlingMs); // statistics, the inspector and what the window puts off
    for (auto _ : state) {
        const Activity activity = idleFor(g_seconds * 1000);
        state.SetIterationTime(g_seconds);
        state.counters["paints"] = activity.paints;
        state.counters["wake_ups"] = activity.wakeUps;
        state.counters["cpu_ms"] = activity.cpuMs;
    }
}

BENCHMARK(idleDesktop)->UseManualTime()->Iterations(1)->Unit(benchmark::kSecond);

} // namespace

int main(int argc, char** argv)
{
    if (!bench::takeNumber(argc, argv, "--seconds", g_seconds, int{1})) {
        std::fprintf(stderr, "idle_bench: --seconds takes a number of seconds\n");
        return 64;
    }
    return bench::runWithApplication(argc, argv);
}
