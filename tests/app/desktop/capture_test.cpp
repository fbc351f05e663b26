#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_strip.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/window_actions.h"
#include "app/jobs/job_runner.h"
#include "tests/support/node_fixture.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QSignalSpy>
#include <QTest>
#include <QToolBar>
#include <QToolButton>
#include <QTreeWidget>

#include <csignal>
#include <fstream>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::BackgroundLoad;
using gantry::test::NodeFixture;
using gantry::test::TemporaryFolder;
using Stage = CaptureController::Stage;

namespace {

constexpr int kPatienceMs = 60'000;
constexpr DurationNs kMillisecond = 1'000'000;
constexpr DurationNs kUntilStopped = 0;

const test::Programs kPrograms{GANTRYD, GANTRY_SERVE, GANTRYCTL, {}};

} // namespace

/// The window with a real gantryd and a real gantry-serve under load behind it.
class CaptureTest : public QObject
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
    }

    void cleanup()
    {
        m_window.reset();
        m_runner.reset();
        m_settings.reset(); // writes into the folder
        m_load.reset();
        m_node.reset();
    }

    void capturesFetchesAndOpensWhileTheServerGoesOn()
    {
        startServer();
        connectToNode();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().drawnSpan() > 1000 * kMillisecond, kPatienceMs); // live series move
        waitUntilItCanCapture();
        QCOMPARE(m_settings->recentNodes(), QStringList{QString::fromStdString(m_node->address())});

        QList<Stage> stages;
        QStringList texts;
        connect(&capture(), &CaptureController::changed, this, [&] {
            if (stages.isEmpty() || stages.back() != capture().stage())
                stages << capture().stage();
            texts << strip().text();
        });
        setDuration(500 * kMillisecond);
        auto* button =
            qobject_cast<QToolButton*>(m_window->findChild<QToolBar*>(QStringLiteral("toolbar"))->widgetForAction(&startAction()));
        QTest::mouseClick(button, Qt::LeftButton);
        QVERIFY(capture().isBusy());
        QVERIFY(strip().isVisible());
        QVERIFY(!startAction().isEnabled()); // one thing at a time
        QVERIFY(m_window->actions().cancelCapture->isEnabled());

        ReportPage* page = waitForReport();
        QVERIFY(page);
        QCOMPARE(stages.front(), Stage::Starting);
        QVERIFY(stages.contains(Stage::Capturing));
        QVERIFY(stages.contains(Stage::Fetching));
        QCOMPARE(stages.back(), Stage::Idle);
        QVERIFY2(!texts.filter(QStringLiteral("of 0.5 s")).isEmpty(), qPrintable(texts.join(QLatin1Char('\n'))));
        QVERIFY(!strip().isVisible());
        QVERIFY(!page->trace()->requests.empty());
        QVERIFY(!page->trace()->meta.targetExited);
        QCOMPARE(page->path().parent_path(), m_settings->reportFolder(m_window->nodes().current()->title()));
        QVERIFY(m_window->messages().sentence().isEmpty());
        QVERIFY(startAction().isEnabled());

        // The node lists it, and opening it there leads to the tab that is open already.
        QTRY_COMPARE_WITH_TIMEOUT(m_window->nodes().current()->reports().size(), std::size_t{1}, kPatienceMs);
        const auto inTree = tree().findItems(QStringLiteral("gantry-serve"), Qt::MatchContains | Qt::MatchRecursive);
        QTreeWidgetItem* listed = nullptr;
        for (QTreeWidgetItem* item : inTree) {
            if (item->parent() && item->parent()->text(0) == QStringLiteral("Reports"))
                listed = item;
        }
        QVERIFY(listed);
        m_window->actions().showLive->trigger();
        emit tree().itemActivated(listed, 0);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->pages().currentReport(), page, kPatienceMs);
        QCOMPARE(m_window->pages().reports().size(), 1);

        const load::LoadResult result = m_load->finish();
        QVERIFY(result.ok > 0);
        QVERIFY2(result.errors.empty(), "the server refused a request while it was captured");
    }

    void aWindowWithoutEndIsStoppedAndOpened()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        setDuration(kUntilStopped);
        QVERIFY(!stopAction().isEnabled());
        startAction().trigger();
        QTRY_VERIFY_WITH_TIMEOUT(stopAction().isEnabled(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(capture().status().elapsedNs > 200 * kMillisecond, kPatienceMs);
        QVERIFY2(strip().text().startsWith(QStringLiteral("Capturing")), qPrintable(strip().text()));
        stopAction().trigger();
        ReportPage* page = waitForReport();
        QVERIFY(page);
        QVERIFY(!page->trace()->requests.empty());
        QVERIFY(!stopAction().isEnabled());
    }

    // A window without end that was given up before the node had answered stayed open for ever.
    void aCancelledCaptureClosesItsWindow_data()
    {
        QTest::addColumn<bool>("isOpen");
        QTest::newRow("before the node has answered") << false;
        QTest::newRow("while it is open") << true;
    }

    void aCancelledCaptureClosesItsWindow()
    {
        QFETCH(bool, isOpen);
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        setDuration(kUntilStopped);
        startAction().trigger();
        const auto other = m_node->connect();
        if (isOpen) {
            QTRY_COMPARE_WITH_TIMEOUT(capture().stage(), Stage::Capturing, kPatienceMs);
        } else {
            // The node has opened the window, and no event has told this thread.
            const auto isTaken = [&] {
                const auto captures = other->captures();
                return captures && !captures->empty() && !captures->back().isFinished();
            };
            QVERIFY(test::eventually(isTaken));
            QCOMPARE(capture().stage(), Stage::Starting);
        }
        m_window->actions().cancelCapture->trigger();
        QVERIFY(!capture().isBusy());
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("Cancelled")), qPrintable(m_window->messages().sentence()));

        // Free again: somebody else can capture, once the window is closed and written.
        proto::CaptureRequest request;
        request.targetId = m_server.target.id;
        request.durationNs = 50 * kMillisecond;
        QVERIFY(QTest::qWaitFor([&] { return other->startCapture(request).hasValue(); }, kPatienceMs));
        QCOMPARE(m_window->pages().reports().size(), 0);
    }

    void aWindowThatSomebodyElseHoldsIsASentenceWithTheName()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        const auto other = m_node->connect("ada@gpu-07: gantryctl");
        proto::CaptureRequest request;
        request.targetId = m_server.target.id;
        const auto held = other->startCapture(request);
        QVERIFY(held);
        startAction().trigger();
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->messages().sentence().isEmpty(), kPatienceMs);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.contains(QStringLiteral("ada@gpu-07")), qPrintable(sentence));
        QVERIFY2(sentence.startsWith(QStringLiteral("The capture did not start")), qPrintable(sentence));
        QVERIFY(!capture().isBusy());
        QVERIFY(startAction().isEnabled());
        QVERIFY(other->stopCapture(held->captureId));
    }

    void aServerThatDiesInTheWindowLeavesAReportAndAWarning()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        setDuration(5000 * kMillisecond);
        startAction().trigger();
        QTRY_VERIFY_WITH_TIMEOUT(capture().stage() == Stage::Capturing && capture().status().elapsedNs > 300 * kMillisecond, kPatienceMs);
        ::kill(m_server.target.pid, SIGKILL);
        ReportPage* page = waitForReport();
        QVERIFY(page);
        QVERIFY(page->trace()->meta.targetExited);
        QVERIFY(!page->trace()->requests.empty());
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.contains(QStringLiteral("ended inside the window")), qPrintable(sentence));
        QTRY_VERIFY_WITH_TIMEOUT(!startAction().isEnabled(), kPatienceMs); // nothing left to capture
    }

    void aNodeThatDiesIsASentenceAndComesBackByItself()
    {
        startServer();
        connectToNode();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().drawnSpan() > 0, kPatienceMs);
        waitUntilItCanCapture();
        m_node->killDaemon();
        NodeController& node = *m_window->nodes().current();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        const QString sentence = m_window->live().banner()->sentence();
        QVERIFY2(sentence.contains(QStringLiteral("gantryd")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("Trying again in")), qPrintable(sentence));
        QVERIFY(!startAction().isEnabled());
        QVERIFY(node.info()); // what was known stays
        QVERIFY(tree().topLevelItemCount() == 1 && tree().topLevelItem(0)->childCount() > 0);
        const DurationNs before = m_window->live().drawnSpan();
        QVERIFY(before > 0); // and so do the plots

        m_node->startDaemon();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        QVERIFY(m_window->live().banner()->sentence().isEmpty());
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().drawnSpan() > before, kPatienceMs);
        waitUntilItCanCapture(); // the daemon has taken the server over
        setDuration(500 * kMillisecond);
        startAction().trigger();
        QVERIFY(waitForReport());
    }

    void aNodeThatDiesInTheWindowEndsTheCaptureWithASentence()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        setDuration(kUntilStopped);
        startAction().trigger();
        QTRY_COMPARE_WITH_TIMEOUT(capture().stage(), Stage::Capturing, kPatienceMs);
        m_node->killDaemon();
        QTRY_VERIFY_WITH_TIMEOUT(!capture().isBusy(), kPatienceMs);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.startsWith(QStringLiteral("The capture was lost: ")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("gantryd")), qPrintable(sentence));
        QVERIFY(!strip().isVisible());
    }

    void aWrongTokenIsASentenceAndNotTriedAgain()
    {
        m_node = std::make_unique<NodeFixture>(kPrograms, NodeFixture::Options{.tcp = true, .reportFolder = {}});
        const auto wrong = *m_folder / "token";
        std::ofstream(wrong) << "00000000000000000000000000000000\n";
        std::filesystem::permissions(wrong, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        const std::string address = m_node->address();
        NodeController& node = m_window->nodes().open(address.substr(0, address.find("?token-file=")) + "?token-file=" + wrong.string());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        QCOMPARE(node.error()->code, ErrorCode::NotPermitted);
        QCOMPARE(node.retryInSeconds(), 0);
        const QString sentence = m_window->live().banner()->sentence();
        QVERIFY2(sentence.contains(QStringLiteral("token")), qPrintable(sentence));
        QVERIFY2(!sentence.contains(QStringLiteral("Trying again")), qPrintable(sentence));

        NodeController& right = m_window->nodes().open(address);
        QTRY_COMPARE_WITH_TIMEOUT(right.state(), NodeController::State::Connected, kPatienceMs);
        QVERIFY(m_window->live().banner()->sentence().isEmpty());
        QCOMPARE(m_window->findChild<QComboBox*>(QStringLiteral("nodeBox"))->count(), 3); // both and "Connect…"
    }

    void closingTheWindowInACaptureClosesTheWindowOnTheNode()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        setDuration(kUntilStopped);
        startAction().trigger();
        QTRY_COMPARE_WITH_TIMEOUT(capture().stage(), Stage::Capturing, kPatienceMs);
        m_window.reset();
        m_runner.reset();
        const auto client = m_node->connect();
        QTRY_COMPARE_WITH_TIMEOUT(client->reports()->size(), std::size_t{1}, kPatienceMs); // what was captured is kept
    }

private:
    void startServer()
    {
        m_node = std::make_unique<NodeFixture>(kPrograms);
        m_server = m_node->launchServer();
        m_load = std::make_unique<BackgroundLoad>(m_server.address);
    }

    void connectToNode()
    {
        NodeController& node = m_window->nodes().open(m_node->address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
    }

    void waitUntilItCanCapture()
    {
        QTRY_VERIFY_WITH_TIMEOUT(startAction().isEnabled(), kPatienceMs);
        QVERIFY(!m_window->captureBar().targetId().empty());
    }

    void setDuration(DurationNs duration)
    {
        auto* box = m_window->findChild<QComboBox*>(QStringLiteral("durationBox"));
        box->setCurrentIndex(box->findData(static_cast<qlonglong>(duration)));
        QCOMPARE(m_window->captureBar().duration(), duration);
    }

    /// The page of the report that the capture brought, loaded; null when there is none.
    ReportPage* waitForReport()
    {
        const auto isThere = [&] {
            const ReportPage* page = m_window->pages().currentReport();
            return (page && page->state() == ReportPage::State::Loaded) || !m_window->messages().sentence().isEmpty();
        };
        if (!QTest::qWaitFor([&] { return isThere() && !capture().isBusy(); }, kPatienceMs))
            return nullptr;
        ReportPage* page = m_window->pages().currentReport();
        if (!page)
            qWarning("%s", qPrintable(m_window->messages().sentence()));
        else if (!QTest::qWaitFor([&] { return page->state() == ReportPage::State::Loaded; }, kPatienceMs))
            return nullptr;
        return page;
    }

    CaptureController& capture() { return m_window->capture(); }
    QAction& startAction() { return *m_window->captureBar().startAction(); }
    QAction& stopAction() { return *m_window->captureBar().stopAction(); }
    CaptureStrip& strip() { return *m_window->findChild<CaptureStrip*>(QStringLiteral("captureStrip")); }
    QTreeWidget& tree() { return *m_window->findChild<QTreeWidget*>(QStringLiteral("nodesTree")); }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<NodeFixture> m_node;
    NodeFixture::Server m_server;
    std::unique_ptr<BackgroundLoad> m_load;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(CaptureTest)
#include "capture_test.moc"
