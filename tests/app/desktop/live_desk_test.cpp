#include "app/desktop/live_desk.h"

#include "app/desktop/capture_bar.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/page_area.h"
#include "app/desktop/recorder_control.h"
#include "app/desktop/recorder_dialog.h"
#include "app/desktop/report_page.h"
#include "app/desktop/window_actions.h"
#include "app/jobs/job_runner.h"
#include "tests/support/node_fixture.h"
#include "widgets/plots/live_plot_grid.h"
#include "widgets/plots/time_plot.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>
#include <QContextMenuEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QTest>

#include <cstdlib>
#include <filesystem>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::BackgroundLoad;
using gantry::test::NodeFixture;
using gantry::test::TemporaryFolder;
using widgets::TimePlot;

namespace {

constexpr int kPatienceMs = 60'000;
constexpr DurationNs kMillisecond = 1'000'000, kSecond = 1'000'000'000;

const test::Programs kPrograms{GANTRYD, GANTRY_SERVE, GANTRYCTL, {}};

} // namespace

/// The live plots of a real gantryd, with a real gantry-serve under load, and the reports of its windows.
class LiveDeskTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_settings = std::make_unique<Settings>(QString::fromStdString((*m_folder / "data").string()));
        m_runner = std::make_unique<jobs::JobRunner>(6);
        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings);
        m_window->setUnattended();
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        m_node = std::make_unique<NodeFixture>(kPrograms);
        m_server = m_node->launchServer();
        m_load = std::make_unique<BackgroundLoad>(m_server.address);
        NodeController& node = m_window->nodes().open(m_node->address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().drawnSpan() > 2 * kSecond, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->captureBar().startAction()->isEnabled(), kPatienceMs);
    }

    void cleanup()
    {
        m_window.reset();
        m_runner.reset();
        m_settings.reset(); // writes into the folder
        m_load.reset();
        m_node.reset();
    }

    void aWindowIsABandOnEveryPlotAndAClickOfTwoOpensItsReportAtTheInstant()
    {
        ReportPage* page = capture();
        QVERIFY(page);
        page->timeline()->fitAll();
        m_window->actions().showLive->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(bands().size() == 1 && bands().front().isExact, kPatienceMs);
        const CaptureBand band = bands().front();
        QCOMPARE(band.file, page->path());
        QCOMPARE(band.endUtcNs - band.beginUtcNs, page->trace()->window.duration());
        QTRY_VERIFY_WITH_TIMEOUT(bandOn(firstPlot()) && !bandOn(firstPlot())->isUncertain, kPatienceMs);
        for (const TimePlot* plot : m_window->live().findChildren<TimePlot*>())
            if (!plot->visibleRegion().isEmpty()) // the others have it once they are scrolled to
                QTRY_VERIFY2_WITH_TIMEOUT(bandOn(*plot), qPrintable(plot->panel().title), kPatienceMs);
        QVERIFY(bandOn(firstPlot())->toolTip.contains(QString::fromStdString(band.report)));

        const TimeRange time = bandOn(firstPlot())->time;
        clickTwice(firstPlot(), time.start + time.duration() / 2);
        QCOMPARE(m_window->pages().currentReport(), page);
        const TimeRange view = page->timeline()->visibleRange();
        QVERIFY(view.duration() < page->trace()->time.duration() / 2);
        QVERIFY(page->timeline()->state().instant.has_value());
        // A pixel of a live plot is many ms: the instant is in the middle of the window up to that.
        const DurationNs pixel = firstPlot().timeAt(101) - firstPlot().timeAt(100);
        const auto middle = static_cast<TimestampNs>(page->trace()->window.duration() / 2);
        QVERIFY2(std::llabs(*page->timeline()->state().instant - middle) < 3 * pixel,
                 qPrintable(QString::number(*page->timeline()->state().instant)));
        QVERIFY(view.contains(*page->timeline()->state().instant));
    }

    void aBandWhoseReportIsOnTheNodeAloneIsFetchedAndOpenedAtTheInstant()
    {
        ReportPage* page = capture();
        QVERIFY(page);
        const std::filesystem::path file = page->path();
        m_window->pages().closePage(m_window->pages().currentIndex());
        std::filesystem::remove(file);
        m_window->nodes().current()->refresh();
        m_window->liveDesk().refresh();
        QTRY_VERIFY_WITH_TIMEOUT(bands().size() == 1 && bands().front().isExact && bands().front().file.empty(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(bandOn(firstPlot()) && !bandOn(firstPlot())->isUncertain, kPatienceMs); // the node says when it was
        const TimeRange time = bandOn(firstPlot())->time;
        clickTwice(firstPlot(), time.start + time.duration() / 2);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->pages().currentReport() && m_window->pages().currentReport()->path() == file, kPatienceMs);
        ReportPage* fetched = m_window->pages().currentReport();
        QTRY_VERIFY_WITH_TIMEOUT(fetched->state() == ReportPage::State::Loaded && fetched->timeline()->state().instant, kPatienceMs);
        QVERIFY(std::llabs(*fetched->timeline()->state().instant - fetched->trace()->window.duration() / 2) < 50 * kMillisecond);
        QTRY_VERIFY_WITH_TIMEOUT(bands().size() == 1 && !bands().front().file.empty(), kPatienceMs);
    }

    void bandsAreThereAfterTheConnectionWasLostAndForAWindowOfTheProgramBefore()
    {
        QVERIFY(capture());
        QTRY_VERIFY_WITH_TIMEOUT(bands().size() == 1 && bands().front().isExact, kPatienceMs);
        const std::string report = bands().front().report;
        m_window->nodes().current()->close();
        m_window->nodes().current()->open();
        m_window->actions().showLive->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(bandOn(firstPlot()), kPatienceMs);

        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings); // the program is started anew
        m_window->setUnattended();
        m_window->show();
        m_window->nodes().open(m_node->address());
        QTRY_VERIFY_WITH_TIMEOUT(bands().size() == 1 && bands().front().isExact, kPatienceMs);
        QCOMPARE(bands().front().report, report);
        // What the node remembers is drawn, and the window on it.
        QTRY_VERIFY_WITH_TIMEOUT(hasPlots() && bandOn(firstPlot()), kPatienceMs);
    }

    void whatTheMousePointsAtIsMarkedOnTheOtherSide()
    {
        ReportPage* page = capture();
        QVERIFY(page);
        auto* viewport = page->timeline()->viewport();
        moveMouse(*viewport, QPoint(viewport->width() - 120, viewport->height() / 2));
        QTRY_VERIFY_WITH_TIMEOUT(page->timeline()->state().cursor.has_value(), kPatienceMs);
        const TimestampNs pointed = *page->timeline()->state().cursor;
        m_window->actions().showLive->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(bandOn(firstPlot()) && !bandOn(firstPlot())->isUncertain && firstPlot().instant(), kPatienceMs);
        const TimeRange band = bandOn(firstPlot())->time;
        QVERIFY2(std::llabs(*firstPlot().instant() - (band.start + pointed)) < kMillisecond, "the clocks of both sides are one");

        TimePlot& plot = firstPlot();
        QWidget* canvas = plot.canvas();
        moveMouse(*canvas, QPoint(plot.xOf(band.start + band.duration() / 2), canvas->height() / 2));
        QTRY_VERIFY_WITH_TIMEOUT(page->timeline()->state().instant.has_value(), kPatienceMs);
        QVERIFY(page->trace()->window.contains(*page->timeline()->state().instant));
    }

    void whatAReportShowsIsFoundInTheLivePlots()
    {
        ReportPage* page = capture();
        QVERIFY(page);
        QVERIFY(m_window->actions().showInLive->isEnabled());
        m_window->actions().showInLive->trigger();
        QVERIFY(!m_window->pages().currentReport());
        QTRY_VERIFY_WITH_TIMEOUT(firstPlot().instant().has_value(), kPatienceMs);
        QVERIFY(!m_window->actions().showInLive->isEnabled());
    }

    void outsideOfABandACaptureOrASaveIsOfferedOrItIsSaidWhyNot()
    {
        QMenu* menu = openMenu();
        QVERIFY(menu);
        QVERIFY(menu->findChild<QAction*>(QStringLiteral("captureNow"))->isEnabled());
        QAction* save = menu->findChild<QAction*>(QStringLiteral("saveLast"));
        QVERIFY(!save->isEnabled());
        QVERIFY2(save->text().contains(QStringLiteral("no flight recorder runs on")), qPrintable(save->text()));
        menu->close();

        m_window->recorder().startAction()->trigger();
        m_window->findChild<RecorderDialog*>()->accept();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->recorder().recorder() && m_window->recorder().recorder()->ringHeldNs > kSecond, kPatienceMs);
        menu = openMenu();
        save = menu->findChild<QAction*>(QStringLiteral("saveLast"));
        QVERIFY2(save->isEnabled(), qPrintable(save->text()));
        save->trigger();
        menu->close();
        QTRY_VERIFY_WITH_TIMEOUT(isReportOpen(), kPatienceMs);
        QVERIFY(m_window->pages().currentReport()->trace()->window.duration() <= LiveDesk::kSaved);
        QVERIFY2(m_window->messages().sentence().isEmpty(), qPrintable(m_window->messages().sentence()));
        m_window->actions().showLive->trigger();

        m_window->nodes().current()->close();
        menu = openMenu();
        QAction* start = menu->findChild<QAction*>(QStringLiteral("captureNow"));
        QVERIFY(!start->isEnabled());
        QVERIFY2(start->text().contains(QStringLiteral("Connect to a node first")), qPrintable(start->text()));
        menu->close();
    }

    void captureNowInTheMenuIsTheCaptureOfTheToolbar()
    {
        m_window->captureBar().setDuration(300 * kMillisecond);
        QMenu* menu = openMenu();
        menu->findChild<QAction*>(QStringLiteral("captureNow"))->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(isReportOpen(), kPatienceMs);
        QVERIFY(!m_window->pages().currentReport()->trace()->requests.empty());
    }

private:
    /// The page of the report of a window, loaded; null: there is none.
    ReportPage* capture()
    {
        m_window->captureBar().setDuration(500 * kMillisecond);
        m_window->captureBar().startAction()->trigger();
        return QTest::qWaitFor([this] { return isReportOpen(); }, kPatienceMs) ? m_window->pages().currentReport() : nullptr;
    }

    bool isReportOpen()
    {
        const ReportPage* page = m_window->pages().currentReport();
        return page && page->state() == ReportPage::State::Loaded && !m_window->capture().isBusy();
    }

    const std::vector<CaptureBand>& bands() { return m_window->liveDesk().bands().bands(); }
    bool hasPlots() { return m_window->live().findChild<TimePlot*>() != nullptr; }
    TimePlot& firstPlot() { return *m_window->live().findChild<TimePlot*>(); }

    /// The only band of a plot, if it is in sight.
    static const widgets::PlotBand* bandOn(const TimePlot& plot)
    {
        return plot.bandsInSight().size() == 1 ? plot.bandsInSight().front() : nullptr;
    }

    void clickTwice(TimePlot& plot, TimestampNs time)
    {
        QTest::mouseDClick(plot.canvas(), Qt::LeftButton, {}, QPoint(plot.xOf(time), plot.canvas()->height() / 2));
    }

    /// Without a button; QTest moves a cursor that an offscreen screen does not have.
    static void moveMouse(QWidget& widget, QPoint point)
    {
        QMouseEvent moved(QEvent::MouseMove, point, widget.mapToGlobal(point), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&widget, &moved);
    }

    QMenu* openMenu()
    {
        QWidget* canvas = firstPlot().canvas();
        const QPoint point(canvas->width() - 20, canvas->height() / 2);
        QContextMenuEvent wanted(QContextMenuEvent::Mouse, point, canvas->mapToGlobal(point));
        QCoreApplication::sendEvent(canvas, &wanted);
        for (QMenu* menu : m_window->live().findChildren<QMenu*>(QStringLiteral("plotMenu")))
            if (menu->isVisible())
                return menu;
        return nullptr;
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<MainWindow> m_window;
    std::unique_ptr<NodeFixture> m_node;
    NodeFixture::Server m_server;
    std::unique_ptr<BackgroundLoad> m_load;
};

QTEST_MAIN(LiveDeskTest)
#include "live_desk_test.moc"
