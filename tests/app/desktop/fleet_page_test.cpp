#include "local_node.h"

#include "app/desktop/fleet_desk.h"
#include "app/desktop/fleet_page.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_dialog.h"
#include "app/desktop/node_pulse.h"
#include "app/desktop/page_area.h"
#include "app/desktop/window_actions.h"
#include "tests/app/desktop/window_test.h"
#include "widgets/fleet/fleet_view.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>

#include <memory>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;
using State = NodeController::State;
using widgets::NodeTile;

namespace {

constexpr int kPatienceMs = 30'000;
constexpr TimestampNs kSecond = 1'000'000'000;
constexpr TimestampNs kStart = 1000 * kSecond;

metrics::SeriesDefinition series(std::uint32_t id, const char* name, std::map<std::string, std::string> labels = {})
{
    return {id, name, "", metrics::SeriesKind::Gauge, std::move(labels), {}};
}

proto::MetricsBatch batchAt(double second, std::vector<metrics::Sample> samples)
{
    proto::MetricsBatch batch;
    batch.nodeMonoNs = kStart + static_cast<TimestampNs>(second * 1e9);
    for (metrics::Sample& sample : samples)
        sample.time = batch.nodeMonoNs;
    batch.samples = std::move(samples);
    return batch;
}

proto::MetricsBatch definitions()
{
    proto::MetricsBatch batch = batchAt(0, {});
    batch.definitions = {series(1, "gpu_utilization_ratio", {{"gpu", "0"}}), series(2, "gpu_utilization_ratio", {{"gpu", "1"}}),
                         series(3, "gpu_power_w", {{"gpu", "0"}}), series(4, "nv_inference_request_success", {{"model", "a"}}),
                         series(5, "nv_inference_request_success", {{"model", "b"}})};
    return batch;
}

} // namespace

/// The fleet's page in the window, with real nodes behind it.
class FleetPageTest : public WindowTest
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
        openWindow({1000, 700});
    }

    void cleanup() { closeWindow(); }

    void anEmptyFleetSaysWhatToDo()
    {
        m_window->actions().showFleet->trigger();
        QVERIFY(page().findChild<QLabel*>(QStringLiteral("fleetEmpty"))->isVisible());
        QVERIFY(!page().findChild<QLineEdit*>(QStringLiteral("fleetFilter"))->isVisible());
        QTest::mouseClick(page().findChild<QLabel*>(QStringLiteral("fleetEmpty"))->parentWidget()->findChild<QPushButton*>(),
                          Qt::LeftButton);
        QVERIFY(m_window->findChild<NodeDialog*>());
    }

    void nodesOfBeforeAreThereAndConnectTogether()
    {
        LocalNode one, other;
        QVERIFY(one.start() && other.start());
        m_settings->setNodeEntry({QString::fromStdString(one.address()), QStringLiteral("one"), QStringLiteral("lab"), {}});
        m_settings->addRecentNode(QString::fromStdString(other.address()));
        m_window->actions().showFleet->trigger();
        QCOMPARE(tiles().size(), std::size_t{2});
        QCOMPARE(tiles().back().state, NodeTile::State::Disconnected);
        QVERIFY(!button("fleetConnect").isEnabled());
        QTest::keyClick(&page().view(), Qt::Key_A, Qt::ControlModifier);
        QTest::mouseClick(&button("fleetConnect"), Qt::LeftButton);
        QCOMPARE(m_window->nodes().nodes().size(), std::size_t{2});
        for (const auto& node : m_window->nodes().nodes())
            QTRY_COMPARE_WITH_TIMEOUT(node->state(), State::Connected, kPatienceMs);
        // Without a GPU the host stands in for it; nothing is made up.
        QTRY_VERIFY_WITH_TIMEOUT(tiles().front().cpuRatio && tiles().front().hostMemoryUsedBytes, kPatienceMs);
        QVERIFY(!tiles().front().requestsPerSecond);
        QVERIFY(summary().contains(QStringLiteral("2 nodes · 2 connected · 2 selected")));

        auto& groups = *page().findChild<QComboBox*>(QStringLiteral("fleetGroups"));
        groups.setCurrentIndex(groups.findText(QStringLiteral("lab")));
        QVERIFY2(summary().contains(QStringLiteral("1 shown")), qPrintable(summary()));
        groups.setCurrentIndex(0);
        QTest::keyClick(&page().view(), Qt::Key_A, Qt::ControlModifier);
        QTest::mouseClick(&button("fleetDisconnect"), Qt::LeftButton);
        for (const auto& node : m_window->nodes().nodes())
            QCOMPARE(node->state(), State::Disconnected);
        QVERIFY(!tiles().front().cpuRatio); // what was is no value of now
    }

    void aNodeThatIsLostSaysSinceWhen()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        const NodeController& node = m_window->nodes().open(daemon.address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        m_window->actions().showFleet->trigger();
        daemon.kill();
        QTRY_COMPARE_WITH_TIMEOUT(tiles().front().state, NodeTile::State::Lost, kPatienceMs);
        QVERIFY2(tiles().front().notes.front().text.startsWith(QStringLiteral("since ")), qPrintable(tiles().front().notes.front().text));
        QVERIFY(daemon.start());
        QTRY_COMPARE_WITH_TIMEOUT(tiles().front().state, NodeTile::State::Connected, kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(tiles().front().cpuRatio, kPatienceMs);
    }

    void aCaptureOnNodesWithoutServersSaysSo()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        const NodeController& node = m_window->nodes().open(daemon.address());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), State::Connected, kPatienceMs);
        m_window->actions().showFleet->trigger();
        QTest::keyClick(&page().view(), Qt::Key_A, Qt::ControlModifier);
        QTest::mouseClick(&button("fleetCapture"), Qt::LeftButton);
        const QString sentence = m_window->messages().sentence();
        QVERIFY2(sentence.contains(QStringLiteral("runs no server that could be captured")), qPrintable(sentence));
    }

    void theFilterSaysWhenNothingMatchesAndANodeLeadsToItsLivePage()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        m_window->nodes().open(daemon.address());
        m_window->actions().showFleet->trigger();
        auto& filter = *page().findChild<QLineEdit*>(QStringLiteral("fleetFilter"));
        QTest::keyClicks(&filter, QStringLiteral("no such node"));
        QVERIFY2(summary().contains(QStringLiteral("0 shown")), qPrintable(summary()));
        QVERIFY(!page().view().isVisible());
        filter.clear();
        QVERIFY(page().view().isVisible());
        page().view().select({QString::fromStdString(daemon.address())});
        emit page().view().nodeActivated(QString::fromStdString(daemon.address()));
        QCOMPARE(m_window->pages().currentIndex(), 0);
    }

    void aPageThatWasClosedOpensAgain()
    {
        m_window->actions().showFleet->trigger();
        QCOMPARE(m_window->pages().currentIndex(), 1);
        m_window->pages().closePage(1);
        QCOMPARE(m_window->pages().count(), 1);
        m_window->actions().showFleet->trigger();
        QCOMPARE(m_window->pages().count(), 2);
        m_window->actions().showLive->trigger();
        m_window->actions().showFleet->trigger();
        QCOMPARE(m_window->pages().count(), 2);
    }

    void aPulseHasTheNewestValuesUntilTheyAreOld()
    {
        NodePulse pulse;
        pulse.restart("boot");
        pulse.add(definitions());
        QVERIFY(!pulse.gpu(0).utilisationRatio && !pulse.requestsPerSecond());
        pulse.add(batchAt(1, {{1, 0, 0.25}, {2, 0, 0.75}, {3, 0, 400}, {4, 0, 100}, {5, 0, 10}}));
        QCOMPARE(*pulse.gpu(1).utilisationRatio, 0.75);
        QVERIFY(!pulse.gpu(1).powerW && !pulse.gpu(2).utilisationRatio);
        QVERIFY(!pulse.requestsPerSecond()); // one sample is no rate
        pulse.add(batchAt(3, {{1, 0, 0.5}, {4, 0, 140}, {5, 0, 11}}));
        QCOMPARE(*pulse.requestsPerSecond(), 20.5);
        QCOMPARE(*pulse.gpu(0).utilisationRatio, 0.5);
        pulse.add(batchAt(9, {{1, 0, 0.5}}));
        QVERIFY(!pulse.requestsPerSecond() && !pulse.gpu(1).utilisationRatio);
        QVERIFY(pulse.gpu(0).utilisationRatio);
    }

    void aPulseThatIsNotHeardOfGrowsOldByTheClockOfThisMachine()
    {
        DurationNs now = 0;
        NodePulse pulse([&now] { return now; });
        pulse.restart("boot");
        pulse.add(definitions());
        pulse.add(batchAt(1, {{1, 0, 0.25}}));
        now += NodePulse::kStale;
        QCOMPARE(*pulse.gpu(0).utilisationRatio, 0.25);
        now += 1;
        QVERIFY(!pulse.gpu(0).utilisationRatio);
        pulse.add(batchAt(7, {{1, 0, 0.5}}));
        QCOMPARE(*pulse.gpu(0).utilisationRatio, 0.5);
    }

    void theHistoryOfPowerHasAGapWhereAGpuSaysNothing()
    {
        NodePulse pulse;
        pulse.restart("boot");
        proto::MetricsBatch two = definitions();
        two.definitions.push_back(series(6, "gpu_power_w", {{"gpu", "1"}}));
        pulse.add(two);
        pulse.add(batchAt(1, {{3, 0, 400}}));
        pulse.add(batchAt(2, {{3, 0, 400}, {6, 0, 300}}));
        QVERIFY(!pulse.powerHistory()[1]);
        QCOMPARE(*pulse.powerHistory()[2], 700.0);
    }

    void aCounterThatBeginsAnewIsNoNegativeRate()
    {
        NodePulse pulse;
        pulse.restart("boot");
        pulse.add(definitions());
        pulse.add(batchAt(1, {{4, 0, 1000}}));
        pulse.add(batchAt(3, {{4, 0, 1100}}));
        pulse.add(batchAt(5, {{4, 0, 10}}));
        QVERIFY(!pulse.requestsPerSecond());
        pulse.add(batchAt(6, {{4, 0, 40}}));
        QCOMPARE(*pulse.requestsPerSecond(), 30.0);
    }

    void timeWithoutAStreamIsAGapInTheHistory()
    {
        NodePulse pulse;
        pulse.restart("boot");
        pulse.add(definitions());
        for (int second = 1; second <= 3; ++second)
            pulse.add(batchAt(second, {{3, 0, 100.0 * second}}));
        pulse.stop();
        pulse.restart("boot");
        pulse.add(definitions());
        pulse.add(batchAt(9, {{3, 0, 900}}));
        const widgets::TileHistory& power = pulse.powerHistory();
        QCOMPARE(power.size(), std::size_t{10});
        QCOMPARE(*power[3], 300.0);
        for (std::size_t second = 4; second <= 7; ++second)
            QVERIFY(!power[second]);
        QCOMPARE(*power[9], 900.0);
        pulse.add(batchAt(500, {{3, 0, 1}}));
        QCOMPARE(pulse.powerHistory().size(), NodePulse::kHistoryPoints);
        pulse.restart("another boot");
        QVERIFY(pulse.powerHistory().empty());
    }

private:
    [[nodiscard]] FleetPage& page() const { return *m_window->fleet().page(); }
    [[nodiscard]] std::vector<NodeTile> tiles() const
    {
        page().refresh();
        return m_window->fleet().feed().tiles();
    }
    [[nodiscard]] QPushButton& button(const char* name) const { return *page().findChild<QPushButton*>(QLatin1String(name)); }
    [[nodiscard]] QString summary() const { return page().findChild<QLabel*>(QStringLiteral("fleetSummary"))->text(); }
};

QTEST_MAIN(FleetPageTest)
#include "fleet_page_test.moc"
