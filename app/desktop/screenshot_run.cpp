#include "app/desktop/screenshot_run.h"

#include "app/desktop/compare_page.h"
#include "app/desktop/inspector.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/text.h"

namespace gantry::desktop {

namespace {

constexpr auto kLongest = std::chrono::seconds(120); // a report of many gigabytes is loaded within it
constexpr DurationNs kLiveSpan = 3'000'000'000;

} // namespace

ScreenshotRun::ScreenshotRun(MainWindow& window, CommandLine line) : UnattendedRun(window, kLongest), m_line(std::move(line)) {}

void ScreenshotRun::start()
{
    window().resize(m_line.size);
    window().show();
    if (m_line.page == PageKind::Live)
        return showLive();
    window().hideNodes();
    if (!m_line.sweep.isEmpty())
        return showSweep();
    if (m_line.compare)
        return showComparison();
    showReport();
}

void ScreenshotRun::showReport()
{
    setStep(tr("Loading the report"));
    ReportPage& page = m_line.isTogether ? window().openTogether(toPaths(m_line.reports), m_line.offsets)
                                         : window().openReport(toPath(m_line.reports.front()));
    if (!m_line.request.isEmpty())
        connect(&page, &ReportPage::loaded, this, [this, &page] {
            if (const auto shown = page.showRequestNamed(m_line.request); !shown)
                fail(tr("Showing request %1").arg(m_line.request), shown.error());
        });
    connect(&page, &ReportPage::placeMoved, this, &printNote);
    if (!m_line.place.isEmpty())
        connect(&page, &ReportPage::loaded, this, [this, &page] {
            if (const auto shown = page.showPlace(m_line.place); !shown)
                fail(tr("Showing what --view and --select ask for"), shown.error());
        });
    connect(
        &window().inspector(), &Inspector::settled, this,
        [this, &page] {
            if (page.state() == ReportPage::State::Loaded) // and not a sample
                save();
        },
        Qt::QueuedConnection);
    connect(&page, &ReportPage::failed, this, [this, &page] { fail(tr("Opening %1").arg(page.title()), *page.error()); });
}

void ScreenshotRun::showComparison()
{
    setStep(tr("Comparing the reports"));
    ComparePage& page = window().pages().openCompare();
    connect(&page, &ComparePage::ready, this, &ScreenshotRun::save, Qt::QueuedConnection);
    connect(&page, &ComparePage::failed, this, [this, &page] { fail(tr("Comparing the reports"), *page.error()); });
    page.setFiles(toPath(m_line.compare->first), toPath(m_line.compare->second));
}

void ScreenshotRun::showSweep()
{
    setStep(tr("Reading the sweep"));
    SweepPage& page = window().pages().openSweep();
    connect(&page, &SweepPage::ready, this, &ScreenshotRun::save, Qt::QueuedConnection);
    connect(&page, &SweepPage::failed, this, [this, &page] { fail(tr("Reading the sweep"), *page.error()); });
    page.setPaths(toPaths(m_line.sweep));
}

void ScreenshotRun::showLive()
{
    setStep(tr("Waiting for live metrics"));
    NodeController& node = window().nodes().open(*m_line.node, NodeController::Asked::Nobody);
    connect(&node, &NodeController::stateChanged, this, [this, &node] {
        if (node.state() == NodeController::State::Lost)
            fail(tr("Connecting to the node"), *node.error());
    });
    connect(&window().live(), &LivePage::drawn, this, [this] {
        if (window().live().drawnSpan() >= kLiveSpan)
            save();
    });
}

void ScreenshotRun::save()
{
    if (savePicture(m_line.screenshot))
        finish();
}

} // namespace gantry::desktop
