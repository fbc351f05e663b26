#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_dialog.h"
#include "app/desktop/capture_strip.h"
#include "app/desktop/command_palette.h"
#include "app/desktop/fleet_capture.h"
#include "app/desktop/fleet_desk.h"
#include "app/desktop/live_page.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/page_area.h"
#include "app/desktop/recorder_control.h"
#include "app/desktop/recorder_dialog.h"
#include "app/desktop/report_page.h"
#include "app/desktop/window_actions.h"
#include "tests/app/desktop/window_test.h"
#include "tests/support/node_fixture.h"
#include "tests/support/sshd_fixture.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTest>
#include <QToolBar>
#include <QToolButton>
#include <QTreeWidget>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

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
class CaptureTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        openWindow();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanup()
    {
        closeWindow();
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
        QCOMPARE(page->path().parent_path(), m_settings->reportFolder(m_window->nodes().current()->name()));
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

    void eachOfSeveralWindowsBecomesAReportHere()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        QStringList texts;
        connect(&capture(), &CaptureController::changed, this, [&] { texts << strip().text(); });
        startWithOptions([](CaptureDialog& dialog) {
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("length"))->setValue(0.2);
            dialog.findChild<QSpinBox*>(QStringLiteral("windows"))->setValue(3);
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"))->setValue(0.6);
            QTest::keyClicks(dialog.findChild<QLineEdit*>(QStringLiteral("label")), QStringLiteral("three"));
        });
        ReportPage* page = waitForReport();
        QVERIFY(page);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.startsWith(QStringLiteral("3 windows were captured")), qPrintable(sentence));
        const auto& names = capture().status().reportNames;
        QCOMPARE(names.size(), std::size_t{3});
        const auto folder = m_settings->reportFolder(m_window->nodes().current()->name());
        for (const std::string& name : names)
            QVERIFY2(std::filesystem::exists(folder / name), name.c_str());
        QCOMPARE(page->path(), folder / names.back());
        QVERIFY(!page->trace()->requests.empty());
        QCOMPARE(m_settings->recentReports().size(), 3);
        QVERIFY2(!texts.filter(QStringLiteral("Window 2 of 3")).isEmpty(), qPrintable(texts.join(QLatin1Char('\n'))));
        QVERIFY2(!texts.filter(QStringLiteral("Report 3 of 3")).isEmpty(), qPrintable(texts.join(QLatin1Char('\n'))));

        for (auto* button : m_window->messages().findChildren<QPushButton*>()) {
            if (button->text() == QStringLiteral("Open all"))
                QTest::mouseClick(button, Qt::LeftButton);
        }
        QCOMPARE(m_window->pages().reports().size(), 3);
        QCOMPARE(captureOptions(m_settings->captureOptions()).label, QStringLiteral("three")); // remembered
        QTRY_VERIFY_WITH_TIMEOUT(m_window->nodes().current()->reports().size() == 3, kPatienceMs);
        QCOMPARE(m_window->nodes().current()->reports().front().label, std::string("three"));
    }

    void aServerThatEndsBetweenWindowsLeavesThoseBefore()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        startWithOptions([](CaptureDialog& dialog) {
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("length"))->setValue(0.2);
            dialog.findChild<QSpinBox*>(QStringLiteral("windows"))->setValue(2);
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"))->setValue(8);
        });
        const auto isBetween = [&] {
            return capture().stage() == Stage::Waiting && capture().status().reportNames.size() == 1 &&
                   strip().text().startsWith(QStringLiteral("Window 2 of 2 · Begins in "));
        };
        QTRY_VERIFY_WITH_TIMEOUT(isBetween(), kPatienceMs);
        QVERIFY(stopAction().isEnabled()); // for what there is
        ::kill(m_server.target.pid, SIGKILL);
        QVERIFY(waitForReport());
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.startsWith(QStringLiteral("No further window was begun: ")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("has ended")), qPrintable(sentence));
        QCOMPARE(m_window->pages().reports().size(), 1);
    }

    void stoppingBetweenWindowsOpensThoseBefore()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        startWithOptions([](CaptureDialog& dialog) {
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("length"))->setValue(0.2);
            dialog.findChild<QSpinBox*>(QStringLiteral("windows"))->setValue(2);
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"))->setValue(600);
        });
        QTRY_VERIFY_WITH_TIMEOUT(capture().stage() == Stage::Waiting && capture().status().reportNames.size() == 1, kPatienceMs);
        stopAction().trigger();
        QVERIFY(waitForReport());
        QVERIFY2(m_window->messages().sentence().isEmpty(), qPrintable(m_window->messages().sentence()));
    }

    void aRangeOfTheProgramOpensTheWindow()
    {
        startServer(Load::None);
        connectToNode();
        waitUntilItCanCapture();
        startWithOptions([](CaptureDialog& dialog) {
            dialog.findChild<QComboBox*>(QStringLiteral("opening"))->setCurrentIndex(static_cast<int>(CaptureOptions::Opening::NvtxRange));
            QTest::keyClicks(dialog.findChild<QLineEdit*>(QStringLiteral("range")), QStringLiteral("execute@gantry.serve"));
            dialog.findChild<QSpinBox*>(QStringLiteral("ranges"))->setValue(2);
        });
        QTRY_COMPARE_WITH_TIMEOUT(strip().text(), QStringLiteral("Window 1 of 2 · Armed: waiting for the NVTX range execute@gantry.serve"),
                                  kPatienceMs);
        QVERIFY(!stopAction().isEnabled()); // there is nothing to open yet
        m_load = std::make_unique<BackgroundLoad>(m_server.address);
        QVERIFY(waitForReport());
        QCOMPARE(capture().status().reportNames.size(), std::size_t{2});
    }

    void aCaptureQueuesBehindSomebodyElses()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        const auto other = m_node->connect("ada@gpu-07: gantryctl");
        const auto held = hold(*other);
        QVERIFY(held);
        startWithOptions([](CaptureDialog& dialog) {
            dialog.findChild<QDoubleSpinBox*>(QStringLiteral("length"))->setValue(0.2);
            dialog.findChild<QCheckBox*>(QStringLiteral("mayQueue"))->setChecked(true);
        });
        QTRY_COMPARE_WITH_TIMEOUT(strip().text(), QStringLiteral("Queued behind ada@gpu-07: gantryctl"), kPatienceMs);
        QVERIFY(m_window->messages().sentence().isEmpty());
        QVERIFY(other->stopCapture(held->captureId));
        ReportPage* page = waitForReport();
        QVERIFY(page);
        QVERIFY(page->path() != m_settings->reportFolder(m_window->nodes().current()->name()) / held->reportName);
        QCOMPARE(capture().status().reportNames.size(), std::size_t{1});
    }

    void aWaitThatIsCancelledLeavesNothingOnTheNode_data()
    {
        QTest::addColumn<int>("begin");
        QTest::addColumn<int>("opening");
        QTest::addColumn<bool>("isHeld");
        QTest::addColumn<QString>("text");
        QTest::newRow("queued") << 0 << 0 << true << "Queued behind ada@gpu-07: gantryctl";
        QTest::newRow("not due yet") << 1 << 0 << false << "Begins in 10 s";
        QTest::newRow("armed") << 0 << 1 << false << "Armed: waiting for cudaProfilerStart";
    }

    void aWaitThatIsCancelledLeavesNothingOnTheNode()
    {
        QFETCH(int, begin);
        QFETCH(int, opening);
        QFETCH(bool, isHeld);
        QFETCH(QString, text);
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        const auto other = m_node->connect("ada@gpu-07: gantryctl");
        if (isHeld)
            QVERIFY(hold(*other));
        QStringList texts;
        connect(&capture(), &CaptureController::changed, this, [&] { texts << strip().text(); });
        startWithOptions([&](CaptureDialog& dialog) {
            dialog.findChild<QComboBox*>(QStringLiteral("opening"))->setCurrentIndex(opening);
            dialog.findChild<QComboBox*>(QStringLiteral("begin"))->setCurrentIndex(begin);
            dialog.findChild<QCheckBox*>(QStringLiteral("mayQueue"))->setChecked(true);
        });
        QTRY_VERIFY_WITH_TIMEOUT(texts.contains(text), kPatienceMs);
        m_window->actions().cancelCapture->trigger();
        QVERIFY(!capture().isBusy());
        QVERIFY(!strip().isVisible());
        const auto mine = [&]() -> proto::CaptureStatus {
            const auto captures = other->captures();
            if (!captures)
                return {};
            for (const proto::CaptureStatus& status : *captures) {
                if (status.holder != "ada@gpu-07: gantryctl")
                    return status;
            }
            return {};
        };
        QTRY_VERIFY_WITH_TIMEOUT(mine().isFinished(), kPatienceMs);
        QCOMPARE(mine().reportNames.size(), std::size_t{0});
        QCOMPARE(m_window->pages().reports().size(), 0);
    }

    void aRecorderIsStartedSavedAndStopped()
    {
        startServer();
        connectToNode();
        waitUntilItCanCapture();
        RecorderControl& recorder = m_window->recorder();
        QVERIFY(!recorder.saveAction()->isEnabled() && !recorder.stopAction()->isEnabled());
        QVERIFY(!recorderButton().isVisible());
        recorder.startAction()->trigger();
        auto* dialog = m_window->findChild<RecorderDialog*>();
        QVERIFY(dialog);
        QCOMPARE(dialog->keeps(), 30'000 * kMillisecond);
        QCOMPARE(dialog->bytes(), std::uint64_t{256} << 20);
        dialog->findChild<QDoubleSpinBox*>(QStringLiteral("keeps"))->setValue(20);
        dialog->accept();
        QTRY_VERIFY_WITH_TIMEOUT(recorderButton().isVisible(), kPatienceMs);
        QVERIFY(!recorder.startAction()->isEnabled()); // one is enough
        QTRY_VERIFY_WITH_TIMEOUT(recorder.recorder()->ringHeldNs > 1000 * kMillisecond, kPatienceMs);
        QVERIFY2(recorderButton().text().startsWith(QStringLiteral("Recorder: last ")), qPrintable(recorderButton().text()));
        QCOMPARE(m_settings->recorderKeeps(), 20'000 * kMillisecond);

        m_window->actions().commands->trigger();
        auto* palette = m_window->findChild<CommandPalette*>();
        QVERIFY2(palette->listed().contains(QStringLiteral("Recorder: Save what just happened")),
                 qPrintable(palette->listed().join(QLatin1Char('\n'))));
        palette->close();
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
        QTest::keyClick(m_window.get(), Qt::Key_S, Qt::ControlModifier | Qt::AltModifier);
        QVERIFY(capture().isBusy());
        ReportPage* page = waitForReport();
        QVERIFY(page);
        QVERIFY(!page->trace()->requests.empty());
        QVERIFY(page->trace()->time.duration() > 500 * kMillisecond); // reaches back
        QVERIFY(recorder.recorder());                                 // goes on

        recorder.stopAction()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(!recorderButton().isVisible(), kPatienceMs);
        QVERIFY(recorder.startAction()->isEnabled());
        QVERIFY(m_window->messages().sentence().isEmpty());
    }

    void aRecorderOfAnotherClientIsShownAndSavingItWhileAWindowIsOpenIsExplained()
    {
        startServer();
        const auto other = m_node->connect("ada@gpu-07: gantryctl");
        proto::CaptureRequest request;
        request.targetId = m_server.target.id;
        request.clientName = "ada@gpu-07: gantryctl";
        request.ringNs = 10'000 * kMillisecond;
        QVERIFY(other->startCapture(request));
        connectToNode();
        QTRY_VERIFY_WITH_TIMEOUT(recorderButton().isVisible(), kPatienceMs);
        QVERIFY2(recorderButton().toolTip().contains(QStringLiteral("Started by ada@gpu-07")), qPrintable(recorderButton().toolTip()));
        const auto third = m_node->connect("bob@desk: gantryctl");
        QVERIFY(hold(*third, "bob@desk: gantryctl"));
        QTRY_COMPARE_WITH_TIMEOUT(recorderButton().text(), QStringLiteral("Recorder: paused"), kPatienceMs);
        m_window->recorder().saveAction()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->messages().sentence().isEmpty(), kPatienceMs);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.startsWith(QStringLiteral("The recorder was not saved")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("bob@desk: gantryctl captures")), qPrintable(sentence));
        QVERIFY(!capture().isBusy());
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
        QTRY_VERIFY_WITH_TIMEOUT(capture().isAway(), kPatienceMs);
        QVERIFY2(strip().text().startsWith(QStringLiteral("Connection lost, goes on when the node is back")), qPrintable(strip().text()));
        m_node->startDaemon(); // which knows nothing of the window
        QTRY_VERIFY_WITH_TIMEOUT(!capture().isBusy(), kPatienceMs);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.startsWith(QStringLiteral("The capture was lost: ")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("gantryd")), qPrintable(sentence));
        QVERIFY(!strip().isVisible());
    }

    void aWindowGoesOnWhileTheConnectionIsLostAndItsReportIsOpened()
    {
        if (const auto reason = test::whyNoSshd())
            QSKIP(reason->c_str());
        startServer();
        test::SshdFixture sshd;
        NodeController& node = m_window->nodes().open("ssh://node?config=" + sshd.writeConfig().string() +
                                                      "&socket=" + m_node->address().substr(std::string("unix:").size()));
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        waitUntilItCanCapture();
        setDuration(2000 * kMillisecond);
        startAction().trigger();
        QTRY_VERIFY_WITH_TIMEOUT(capture().stage() == Stage::Capturing && capture().status().elapsedNs > 300 * kMillisecond, kPatienceMs);
        sshd.kill();
        QTRY_VERIFY_WITH_TIMEOUT(capture().isAway(), kPatienceMs);
        // The window ends meanwhile.
        const auto direct = m_node->connect();
        QVERIFY(direct);
        QTRY_VERIFY_WITH_TIMEOUT(!direct->reports()->empty(), kPatienceMs);
        sshd.start();
        QTRY_VERIFY_WITH_TIMEOUT(!capture().isBusy(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->pages().currentReport(), kPatienceMs);
        const ReportPage* page = m_window->pages().currentReport();
        QTRY_COMPARE_WITH_TIMEOUT(page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(page->trace()->time.duration() > 1900 * kMillisecond); // all of it
        QVERIFY(!page->trace()->requests.empty());
    }

    void windowsOnSeveralNodesAreFetchedAndOpenedTogether()
    {
        startServer();
        NodeFixture second(kPrograms);
        const NodeFixture::Server other = second.launchServer();
        connectToNode();
        NodeController& beside = m_window->nodes().openBeside(second.address());
        QTRY_COMPARE_WITH_TIMEOUT(beside.state(), NodeController::State::Connected, kPatienceMs);
        setDuration(500 * kMillisecond);
        std::vector<NodeController*> nodes;
        for (const auto& node : m_window->nodes().nodes()) {
            nodes.push_back(node.get());
            QTRY_VERIFY_WITH_TIMEOUT(!node->targets().empty() && !node->targets().front().processes.empty(), kPatienceMs);
        }
        FleetCapture& fleet = m_window->fleet().capture();
        fleet.start(nodes);
        QVERIFY(fleet.isBusy());
        QTRY_VERIFY_WITH_TIMEOUT(!fleet.isBusy(), kPatienceMs);
        QVERIFY2(m_window->messages().sentence().startsWith(
                     QStringLiteral("Windows of 0.5 s were captured on 2 nodes at one instant. Their clocks agree to ±")),
                 qPrintable(m_window->messages().sentence()));
        auto* open = m_window->messages().findChild<QPushButton*>(QString(), Qt::FindDirectChildrenOnly);
        QVERIFY(open && open->text() == QStringLiteral("Open together"));
        QTest::mouseClick(open, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->pages().currentReport(), kPatienceMs);
        const ReportPage* page = m_window->pages().currentReport();
        QTRY_COMPARE_WITH_TIMEOUT(page->state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(page->files().size(), std::size_t{2});
        QCOMPARE(page->trace()->imports[1].alignment, importing::Alignment::SharedClock);
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
    enum class Load
    {
        None,
        Steady
    };

    void startServer(Load load = Load::Steady)
    {
        m_node = std::make_unique<NodeFixture>(kPrograms);
        m_server = m_node->launchServer();
        if (load == Load::Steady)
            m_load = std::make_unique<BackgroundLoad>(m_server.address);
    }

    /// A window without end of somebody else's.
    Result<proto::CaptureStatus> hold(app::NodeClient& client, const std::string& name = "ada@gpu-07: gantryctl")
    {
        proto::CaptureRequest request;
        request.targetId = m_server.target.id;
        request.clientName = name;
        return client.startCapture(request);
    }

    /// Opens the dialog by its keys, fills it in and presses Start.
    void startWithOptions(const std::function<void(CaptureDialog&)>& fill)
    {
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
        QTest::keyClick(m_window.get(), Qt::Key_R, Qt::ControlModifier | Qt::AltModifier);
        auto* dialog = m_window->findChild<CaptureDialog*>();
        QVERIFY(dialog);
        QVERIFY(QTest::qWaitForWindowExposed(dialog));
        fill(*dialog);
        auto* start = dialog->findChild<QPushButton*>(QStringLiteral("startButton"));
        QVERIFY2(start->isEnabled(), qPrintable(dialog->summary()));
        QTest::mouseClick(start, Qt::LeftButton);
        QVERIFY(capture().isBusy());
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
    QToolButton& recorderButton() { return *m_window->findChild<QToolButton*>(QStringLiteral("recorderButton")); }
    QTreeWidget& tree() { return *m_window->findChild<QTreeWidget*>(QStringLiteral("nodesTree")); }

    std::unique_ptr<NodeFixture> m_node;
    NodeFixture::Server m_server;
    std::unique_ptr<BackgroundLoad> m_load;
};

QTEST_MAIN(CaptureTest)
#include "capture_test.moc"
