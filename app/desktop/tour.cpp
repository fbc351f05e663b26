#include "app/desktop/tour.h"

#include "app/cli/report_summary.h"
#include "app/desktop/capture_bar.h"
#include "app/desktop/compare_page.h"
#include "app/desktop/inspector.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/text.h"
#include "trace_model/analysis/request_breakdown.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>
#include <QCoreApplication>
#include <QDir>

#include <cstdio>

namespace gantry::desktop {

namespace {

constexpr auto kLongest = std::chrono::seconds(90);
constexpr DurationNs kLiveSpan = 3'000'000'000;
constexpr DurationNs kSecond = 1'000'000'000;

} // namespace

QStringList demoReports()
{
    const QString here = QCoreApplication::applicationDirPath();
    // An installed tree, then a build folder inside the source tree.
    for (const QString& folder : {here + QStringLiteral("/../share/gantry/demo"), QStringLiteral(GANTRY_DEMO_FOLDER)}) {
        const QDir demo(folder);
        const QStringList names = demo.entryList({QStringLiteral("*.gantry"), QStringLiteral("*.gantry.zst")}, QDir::Files, QDir::Name);
        if (names.size() >= 2)
            return {demo.filePath(names[0]), demo.filePath(names[1])};
    }
    return {};
}

Tour::Tour(MainWindow& window, CommandLine line) :
    UnattendedRun(window, kLongest),
    m_line(std::move(line))
{}

void Tour::start()
{
    window().resize(m_line.size);
    window().setColorScheme(ColorScheme::Light);
    window().show();
    setStep(tr("Connecting to the node"));
    NodeController& node = window().nodes().open(*m_line.node, NodeController::Asked::Nobody);
    connect(&node, &NodeController::stateChanged, this, [this, &node] {
        if (node.state() == NodeController::State::Lost)
            fail(tr("Connecting to the node"), *node.error());
    });
    connect(&window().capture(), &CaptureController::failed, this, [this](const QString& doing, const Error& error) { fail(doing, error); });
    watchLive();
}

void Tour::watchLive()
{
    setStep(tr("Waiting for live metrics and a server that can be captured"));
    const auto check = [this] {
        const bool isReady = window().live().drawnSpan() >= kLiveSpan && window().captureBar().startAction()->isEnabled();
        if (m_liveSeen || !isReady)
            return;
        m_liveSeen = true;
        if (picture(QStringLiteral("1-live.png")))
            captureWindow();
    };
    // The server may be the last to get ready; `drawn` comes with every redraw.
    connect(&window().live(), &LivePage::drawn, this, check);
}

void Tour::captureWindow()
{
    setStep(tr("Capturing, fetching and opening the report"));
    connect(&window().pages(), &PageArea::reportOpened, this, [this](ReportPage* page) {
        connect(page, &ReportPage::loaded, this, [this, page] { showTimeline(*page); }, Qt::QueuedConnection);
        connect(page, &ReportPage::failed, this, [this, page] { fail(tr("Opening the report"), *page->error()); });
    }, Qt::SingleShotConnection);
    window().captureBar().setDuration(m_line.tourSeconds * kSecond);
    window().captureBar().startAction()->trigger();
}

void Tour::showTimeline(ReportPage& page)
{
    const auto slowest = analysis::slowestRequests(*page.trace());
    if (!slowest.empty()) {
        page.showRequest(slowest.front(), 8);
        page.timeline()->clearSelection();
    }
    whenSettled([this, &page] {
        if (picture(QStringLiteral("2-timeline.png")))
            showSlowestRequest(page);
    });
}

void Tour::showSlowestRequest(ReportPage& page)
{
    page.stepSlowest(1);
    whenSettled([this, &page] {
        if (picture(QStringLiteral("3-request.png")))
            showComparison(page);
    });
}

void Tour::showComparison(ReportPage& page)
{
    const QStringList demo = demoReports();
    if (demo.isEmpty()) // nothing shipped: the tour is whole without
        return showDark(page);
    setStep(tr("Comparing the demo reports"));
    ComparePage& compare = window().pages().openCompare();
    connect(&compare, &ComparePage::failed, this, [this, &compare] { fail(tr("Comparing the demo reports"), *compare.error()); });
    connect(&compare, &ComparePage::ready, this, [this, &page] {
        if (picture(QStringLiteral("4-compare.png")))
            showDark(page);
    }, Qt::ConnectionType(Qt::QueuedConnection | Qt::SingleShotConnection));
    compare.setFiles(toPath(demo[0]), toPath(demo[1]));
}

void Tour::showDark(ReportPage& page)
{
    window().pages().setCurrentWidget(&page);
    window().setColorScheme(ColorScheme::Dark);
    whenSettled([this, &page] {
        if (!picture(QStringLiteral("5-dark.png")))
            return;
        printSummary(page);
        finish();
    });
}

void Tour::whenSettled(std::function<void()> next)
{
    connect(&window().inspector(), &Inspector::settled, this, std::move(next), Qt::ConnectionType(Qt::QueuedConnection | Qt::SingleShotConnection));
    window().inspector().refreshTables();
}

void Tour::printSummary(const ReportPage& page)
{
    for (const QString& path : m_pictures)
        std::printf("%s\n", qPrintable(path));
    std::printf("%s\n%s", page.path().c_str(), cli::text(cli::summarise(*page.trace())).c_str());
    std::fflush(stdout);
}

bool Tour::picture(const QString& name)
{
    QDir().mkpath(m_line.tour);
    const QString path = QDir(m_line.tour).absoluteFilePath(name);
    if (!savePicture(path))
        return false;
    m_pictures << path;
    return true;
}

} // namespace gantry::desktop
