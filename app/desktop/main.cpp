#include "app/desktop/command_line.h"
#include "app/desktop/frame_recorder.h"
#include "app/desktop/keyring.h"
#include "app/desktop/launch_desk.h"
#include "app/desktop/main_window.h"
#include "app/desktop/node_desk.h"
#include "app/desktop/page_area.h"
#include "app/desktop/qt_messages.h"
#include "app/desktop/report_page.h"
#include "app/desktop/screenshot_run.h"
#include "app/desktop/settings.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/text.h"
#include "app/desktop/tour.h"
#include "app/jobs/job_runner.h"
#include "remote_server/proto/grpc_log.h"

#include <QApplication>
#include <QTemporaryDir>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace {

using namespace gantry;
using namespace gantry::desktop;

/// Jobs may wait for the network for long (a capture, a fetch, a connection), so the pool is larger than the machine.
int jobThreads()
{
    return std::max(6, static_cast<int>(std::thread::hardware_concurrency()));
}

bool hasDisplay()
{
    return !qEnvironmentVariableIsEmpty("DISPLAY") || !qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY");
}

int runUnattended(MainWindow& window, const CommandLine& line)
{
    std::unique_ptr<UnattendedRun> run;
    if (!line.tour.isEmpty())
        run = std::make_unique<Tour>(window, line);
    else
        run = std::make_unique<ScreenshotRun>(window, line);
    // Queued: a run may end before the event loop begins.
    QObject::connect(
        run.get(), &UnattendedRun::finished, qApp, [](int status) { QCoreApplication::exit(status); }, Qt::QueuedConnection);
    run->start();
    return QApplication::exec();
}

int run(int argc, char** argv)
{
    const auto parsed = parseCommandLine(argc, argv);
    if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
        std::fputs(early->text.c_str(), early->code == 0 ? stdout : stderr);
        return early->code;
    }
    const CommandLine& line = std::get<CommandLine>(parsed);
    if (!hasDisplay() && qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) {
        if (!line.isUnattended()) {
            std::fputs("gantry: there is no display (DISPLAY and WAYLAND_DISPLAY are not set); use --screenshot, --tour or gantryctl.\n",
                       stderr);
            return exitStatus(ErrorCode::Unsupported);
        }
        qputenv("QT_QPA_PLATFORM", "offscreen");
    }

    if (line.isUnattended())
        leaveOutSessionMessages();

    QApplication application(argc, argv);
    QApplication::setApplicationName(QStringLiteral("gantry"));
    QApplication::setApplicationDisplayName(QStringLiteral("Gantry"));
    QApplication::setApplicationVersion(QStringLiteral(GANTRY_VERSION));

    std::unique_ptr<FrameRecorder> recorder;
    if (!line.record.isEmpty()) {
        auto created = FrameRecorder::create(toPath(line.record));
        if (!created) {
            std::fprintf(stderr, "gantry: --record: %s\n", created.error().text().c_str());
            return exitStatus(created.error().code);
        }
        recorder = std::move(*created);
    }

    // Pictures must not depend on the user's window layout, nor change it.
    const QTemporaryDir scratch;
    // The tour's report goes where its pictures are.
    Settings settings(line.dataFolder.isEmpty() ? line.tour : line.dataFolder,
                      line.isUnattended() ? scratch.filePath(QStringLiteral("gantry.ini")) : QString());
    jobs::JobRunner runner(jobThreads());
    // A picture is of the file, not of what was kept of it before.
    MainWindow window(runner, settings, line.isUnattended() ? TraceSource() : TraceSource::ofUser());
    if (line.theme)
        window.setColorScheme(*line.theme);
    if (line.isUnattended())
        return runUnattended(window, line);

    window.desk().setKeyring(makeDesktopKeyring());
    window.launching().setKeyring(makeDesktopKeyring());
    if (line.hasSize)
        window.resize(line.size);
    if (line.isTogether)
        window.openTogether(toPaths(line.reports), line.offsets);
    for (const QString& report : line.isTogether ? QStringList() : line.reports) {
        if (!line.request.isEmpty() && &report == &line.reports.front())
            window.openReportAt(toPath(report), line.request);
        else
            window.openReport(toPath(report));
    }
    if (const auto reports = window.pages().reports(); !reports.isEmpty() && !line.place.isEmpty()) {
        QObject::connect(reports.front(), &ReportPage::placeMoved, &window, &printNote);
        window.showPlace(*reports.front(), line.place);
    }
    if (line.compare)
        window.pages().openCompare(toPath(line.compare->first), toPath(line.compare->second));
    if (!line.sweep.isEmpty())
        window.pages().openSweep().setPaths(toPaths(line.sweep));
    for (const std::string& node : line.otherNodes)
        window.nodes().open(node);
    if (line.node)
        window.nodes().open(*line.node); // last: the one that is shown
    window.show();
    return QApplication::exec();
}

} // namespace

int main(int argc, char** argv)
{
    std::signal(SIGXFSZ, SIG_IGN); // a limit on the size of files is an error of the write that meets it, not the end of the program
    proto::routeGrpcLog(nullptr);
    try {
        return run(argc, argv);
    } catch (const std::exception& exception) {
        std::fprintf(stderr, "gantry: an unexpected failure ended the program: %s\n", exception.what());
        return exitStatus(ErrorCode::Internal);
    }
}
