#include "local_node.h"

#include "app/desktop/fleet_capture.h"
#include "app/desktop/fleet_desk.h"
#include "app/desktop/fleet_page.h"
#include "app/desktop/fleet_task_panel.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/window_actions.h"
#include "tests/app/desktop/window_test.h"
#include "widgets/fleet/fleet_view.h"

#include <QAbstractButton>
#include <QAction>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>

#include <algorithm>
#include <memory>
#include <vector>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;
using Kind = FleetStep::Kind;

namespace {

constexpr int kPatienceMs = 60'000;

} // namespace

/// What is done on several nodes at once, with real gantryds behind the window.
class FleetTasksTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        openWindow();
    }

    void cleanup()
    {
        closeWindow();
        m_daemons.clear();
        m_nodes.clear();
    }

    void aCaptureShowsALineForEachNodeAndStopEndsItWithReports()
    {
        connectTo(2, LocalNode::rehearsalOptions());
        m_settings->setCaptureDuration(600'000'000'000);
        start("fleetCapture");
        QVERIFY(panel().isVisible());
        QCOMPARE(panel().lines().topLevelItemCount(), 2);
        QTRY_VERIFY2_WITH_TIMEOUT(isLine(0, "recording") && isLine(1, "recording"), qPrintable(lines()), kPatienceMs);
        QVERIFY2(panel().summary().contains(QStringLiteral("2 under way")), qPrintable(panel().summary()));
        QTest::mouseClick(&button("fleetTaskStop"), Qt::LeftButton);
        QVERIFY(!button("fleetTaskStop").isVisible()); // it is asked for once
        QTRY_VERIFY2_WITH_TIMEOUT(!capture().isBusy(), qPrintable(lines()), kPatienceMs);
        QVERIFY2(isLine(0, "report of") && isLine(1, "report of"), qPrintable(lines()));
        QCOMPARE(panel().summary(), QStringLiteral("2 of 2 done"));
    }

    void aCancelledCaptureSaysSoOfEachNodeAndLeavesNothingRunning()
    {
        connectTo(2, LocalNode::rehearsalOptions());
        m_settings->setCaptureDuration(600'000'000'000);
        start("fleetCapture");
        QTRY_VERIFY2_WITH_TIMEOUT(isLine(0, "recording"), qPrintable(lines()), kPatienceMs);
        QTest::mouseClick(&button("fleetTaskCancel"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!capture().isBusy(), kPatienceMs);
        for (const FleetStep& step : capture().steps())
            QCOMPARE(step.kind, Kind::Failed);
        for (const NodeController* node : m_nodes) {
            const auto captures = node->client()->captures();
            QVERIFY(captures);
            QVERIFY(std::all_of(captures->begin(), captures->end(), [](const auto& status) { return status.isFinished(); }));
        }
    }

    void aNodeWithoutAServerIsALineThatSaysSoBesideTheOthers()
    {
        connectTo(1, LocalNode::rehearsalOptions());
        connectTo(1);
        m_settings->setCaptureDuration(200'000'000);
        start("fleetCapture");
        QTRY_VERIFY_WITH_TIMEOUT(!capture().isBusy(), kPatienceMs);
        const std::vector<FleetStep> steps = capture().steps();
        QCOMPARE(steps.size(), std::size_t{2});
        QCOMPARE(std::count_if(steps.begin(), steps.end(), [](const FleetStep& step) { return step.kind == Kind::Done; }), 1);
        QVERIFY2(lines().contains(QStringLiteral("runs no server that could be captured")), qPrintable(lines()));
    }

    void readinessIsCheckedOnAllOfTheSelection()
    {
        connectTo(2);
        choose(QStringLiteral("Check readiness"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->fleet().work().isBusy(), kPatienceMs);
        QCOMPARE(panel().lines().topLevelItemCount(), 2);
        for (std::size_t i = 0; i < m_nodes.size(); ++i) {
            QVERIFY(m_nodes[i]->readiness().report());
            const bool isReady = m_nodes[i]->readiness().report()->worst() < proto::ReadinessLevel::Limited;
            QCOMPARE(m_window->fleet().work().steps()[i].kind, isReady ? Kind::Done : Kind::Failed);
        }
    }

    void serversAreStoppedOnAllOfTheSelectionAfterAQuestion()
    {
        connectTo(2);
        std::vector<std::string> ids;
        for (NodeController* node : m_nodes) {
            proto::LaunchRequest request;
            request.name = "sleeper";
            request.argv = {"/bin/sleep", "1000"};
            request.inject = false;
            const auto launched = node->client()->launch(request);
            QVERIFY2(launched, launched ? "" : launched.error().text().c_str());
            ids.push_back(launched->id);
            node->refresh();
            QTRY_VERIFY_WITH_TIMEOUT(node->target(ids.back()), kPatienceMs);
        }
        choose(QStringLiteral("Stop servers…"));
        auto* box = page().findChild<QMessageBox*>();
        QVERIFY(box);
        QCOMPARE(box->text(), QStringLiteral("Stop 2 servers on 2 nodes?"));
        for (QAbstractButton* one : box->buttons())
            if (box->buttonRole(one) == QMessageBox::DestructiveRole)
                QTest::mouseClick(one, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(panel().summary(), QStringLiteral("2 of 2 done"), kPatienceMs);
        for (std::size_t i = 0; i < ids.size(); ++i)
            QTRY_VERIFY_WITH_TIMEOUT(m_nodes[i]->target(ids[i])->state != proto::TargetState::Running, kPatienceMs);
    }

    void aNodeThatIsRemovedMeanwhileEndsItsLine()
    {
        connectTo(1);
        FleetWork& work = m_window->fleet().work();
        work.start(QStringLiteral("never"), {m_nodes.front()}, [](NodeController&, std::size_t, const FleetWork::Done&) {});
        QVERIFY(work.isBusy());
        m_window->nodes().remove(m_nodes.front());
        QTRY_VERIFY(!work.isBusy());
        QVERIFY2(work.steps().front().text.contains(QStringLiteral("removed")), qPrintable(work.steps().front().text));
    }

private:
    [[nodiscard]] FleetPage& page() { return *m_window->fleet().page(); }
    [[nodiscard]] FleetCapture& capture() { return m_window->fleet().capture(); }
    [[nodiscard]] FleetTaskPanel& panel() { return *page().findChild<FleetTaskPanel*>(); }
    [[nodiscard]] QPushButton& button(const char* name) { return *page().findChild<QPushButton*>(QLatin1String(name)); }
    [[nodiscard]] bool isLine(int row, const char* text)
    {
        return panel().lines().topLevelItem(row)->text(1).contains(QLatin1String(text));
    }
    [[nodiscard]] QString lines()
    {
        QStringList all;
        for (const FleetStep& step : capture().steps())
            all << step.text;
        return all.join(QStringLiteral(" | "));
    }

    void connectTo(int count, const QStringList& options = {})
    {
        for (int i = 0; i < count; ++i) {
            m_daemons.push_back(std::make_unique<LocalNode>());
            QVERIFY(m_daemons.back()->start(options));
            m_nodes.push_back(&m_window->nodes().open(m_daemons.back()->address()));
            QTRY_COMPARE_WITH_TIMEOUT(m_nodes.back()->state(), NodeController::State::Connected, kPatienceMs);
        }
        m_window->actions().showFleet->trigger();
        page().refresh();
        QTest::keyClick(&page().view(), Qt::Key_A, Qt::ControlModifier);
    }

    void start(const char* name)
    {
        QVERIFY(button(name).isEnabled());
        QTest::mouseClick(&button(name), Qt::LeftButton);
    }

    /// Of the menu of what else can be done with the selection.
    void choose(const QString& text)
    {
        QMenu* menu = page().findChild<QToolButton*>(QStringLiteral("fleetMore"))->menu();
        QMetaObject::invokeMethod(menu, &QMenu::aboutToShow);
        for (QAction* action : menu->actions())
            if (action->text() == text)
                return action->trigger();
        QFAIL(qPrintable(text));
    }

    std::vector<std::unique_ptr<LocalNode>> m_daemons;
    std::vector<NodeController*> m_nodes;
};

QTEST_MAIN(FleetTasksTest)
#include "fleet_tasks_test.moc"
