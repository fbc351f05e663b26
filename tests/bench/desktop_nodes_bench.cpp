// The whole window with many nodes connected: gantryds that play a recording, and what they cost the thread that draws. Guards two
// figures: with 100 nodes at 10 Hz that thread takes at most a tenth of a core, and a node at most 1 MiB beside its samples. usage:
// desktop_nodes_bench [NODES [SECONDS]]

#include "app/desktop/fleet_desk.h"
#include "app/desktop/main_window.h"
#include "app/desktop/node_list.h"
#include "app/desktop/page_area.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/bench/process_cost.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace gantry::bench {
namespace {

using namespace std::chrono_literals;

constexpr double kMiB = 1024; // kB

void handleEventsFor(int milliseconds)
{
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
}

class Fleet
{
public:
    explicit Fleet(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            const auto folder = m_folder / std::to_string(i);
            std::filesystem::create_directory(folder);
            std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
            m_daemons.push_back(std::make_unique<test::ChildProcess>(
                std::vector<std::string>{GANTRYD, "--socket", folder / "d.sock", "--report-folder", folder / "reports", "--ready-file",
                                         folder / "ready", "--rehearse", GANTRY_SOURCE_DIR "/resources/rehearsal/session"}));
            if (!test::eventually([&] { return std::filesystem::exists(folder / "ready"); }))
                throw std::runtime_error("a gantryd is not ready: " + m_daemons.back()->errorText());
        }
    }

    [[nodiscard]] std::string address(std::size_t i) const { return "unix:" + (m_folder / std::to_string(i) / "d.sock").string(); }

private:
    test::TemporaryFolder m_folder;
    std::vector<std::unique_ptr<test::ChildProcess>> m_daemons;
};

/// CPU time of this thread, the one that draws, s.
double ownSeconds()
{
    return cpuSecondsIn("/proc/self/task/" + std::to_string(gettid()) + "/stat");
}

/// The share of a core that this thread takes, in percent.
double percentFor(int seconds)
{
    const double before = ownSeconds();
    QElapsedTimer timer;
    timer.start();
    handleEventsFor(seconds * 1000);
    return (ownSeconds() - before) / (static_cast<double>(timer.elapsed()) / 1000) * 100;
}

void connectAll(desktop::MainWindow& window, const Fleet& fleet, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        window.nodes().openBeside(fleet.address(i));
    const auto areConnected = [&window] {
        return std::all_of(window.nodes().nodes().begin(), window.nodes().nodes().end(), [](const auto& node) {
            return node->state() == desktop::NodeController::State::Connected && node->readiness().report();
        });
    };
    for (int tries = 0; !areConnected(); ++tries, handleEventsFor(50))
        if (tries > 2400)
            throw std::runtime_error("not all nodes connect");
}

void run(std::size_t count, int seconds)
{
    const Fleet fleet(count);
    const test::TemporaryFolder data;
    desktop::Settings settings(QString::fromStdString(data.path().string()));
    jobs::JobRunner runner(4);
    desktop::MainWindow window(runner, settings);
    window.resize(1600, 1000);
    window.show();
    handleEventsFor(1000);
    const auto dirty = [] { return kilobytesOf(getpid(), "Private_Dirty") / kMiB; };
    const double memoryBefore = dirty(), cpuBefore = ownSeconds();
    QElapsedTimer timer;
    timer.start();
    connectAll(window, fleet, count);
    const double connectCpu = ownSeconds() - cpuBefore, connectSeconds = static_cast<double>(timer.elapsed()) / 1000;
    handleEventsFor(3000);
    const double memoryEarly = dirty();
    const double live = percentFor(seconds);
    window.fleet().show();
    handleEventsFor(1000);
    const double fleetPage = percentFor(seconds);
    window.hide();
    const double hidden = percentFor(seconds);
    const double n = static_cast<double>(count), memoryLate = dirty();
    const double between = 3.0 * seconds + 1;
    std::printf("{\"nodes\": %zu, \"connect_s\": %.1f, \"connect_ui_cpu_s\": %.2f, \"live_page_ui_percent\": %.1f, "
                "\"fleet_page_ui_percent\": %.1f, \"hidden_ui_percent\": %.1f, \"memory_mib_each_at_once\": %.2f, "
                "\"memory_kib_each_per_minute\": %.0f}\n",
                count, connectSeconds, connectCpu, live, fleetPage, hidden, (memoryEarly - memoryBefore) / n,
                (memoryLate - memoryEarly) * 1024 / n / between * 60);
}

} // namespace
} // namespace gantry::bench

int main(int argc, char** argv)
{
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    try {
        gantry::bench::run(argc > 1 ? std::stoul(argv[1]) : 100, argc > 2 ? std::stoi(argv[2]) : 15);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "desktop_nodes_bench: %s\n", failure.what());
        return 1;
    }
    return 0;
}
