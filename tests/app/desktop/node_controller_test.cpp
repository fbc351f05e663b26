#include "local_node.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/live_series.h"
#include "app/desktop/node_controller.h"
#include "app/desktop/node_list.h"
#include "app/desktop/wake_watch.h"
#include "app/jobs/job_runner.h"
#include "tests/app/remote/fake_node.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace gantry;
using namespace gantry::desktop;
using gantry::desktop_test::LocalNode;

namespace {

constexpr int kPatienceMs = 20'000;

/// A process that is no server but can be launched and stopped like one.
proto::LaunchRequest sleeper()
{
    proto::LaunchRequest request;
    request.name = "sleeper";
    request.argv = {"/bin/sleep", "600"};
    return request;
}

} // namespace

class NodeControllerTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        if (LocalNode::daemonProgram().isEmpty())
            QSKIP("gantryd is not built here");
    }

    void connectsAndKnowsTheNode()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        QCOMPARE(node.title().toStdString(), daemon.address());
        node.open();
        QCOMPARE(node.state(), NodeController::State::Connecting);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        QVERIFY(node.info());
        QVERIFY(node.info()->cpuCount > 0);
        QCOMPARE(node.title().toStdString(), node.info()->hostName);
        QVERIFY(node.reports().empty());
    }

    void nodesOfOneNameAreToldApartByTheirAddresses()
    {
        LocalNode one, other;
        QVERIFY(one.start() && other.start());
        NodeList nodes;
        NodeController& first = nodes.open(one.address());
        QTRY_COMPARE_WITH_TIMEOUT(first.state(), NodeController::State::Connected, kPatienceMs);
        const QString name = first.name();
        QCOMPARE(first.title(), name);
        NodeController& second = nodes.open(other.address());
        QTRY_COMPARE_WITH_TIMEOUT(second.state(), NodeController::State::Connected, kPatienceMs);
        QCOMPARE(second.name(), name);
        QCOMPARE(first.title(), QStringLiteral("%1 (%2)").arg(name, QString::fromStdString(one.address())));
        QVERIFY(second.title() != first.title() && second.title().contains(QString::fromStdString(other.address())));
        nodes.remove(&second);
        QCOMPARE(first.title(), name);
    }

    void liveMetricsReachTheSeries()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        LiveSeries series;
        connect(&node, &NodeController::metricsRestarted, &node, [&](const std::string& bootId) { series.restart(bootId); });
        connect(&node, &NodeController::metricsArrived, &node, [&](const std::vector<proto::MetricsBatch>& batches) {
            for (const proto::MetricsBatch& batch : batches)
                series.add(batch);
        });
        node.open();
        QTRY_VERIFY_WITH_TIMEOUT(series.span() > 1'000'000'000, kPatienceMs);
        const auto panels = series.panels(series.window(60'000'000'000));
        const auto utilisation = std::find_if(panels.begin(), panels.end(), [](const LivePanel& panel) { return panel.key == QLatin1String("utilisation"); });
        QVERIFY(utilisation != panels.end());
        QVERIFY(!utilisation->curves.empty());
        QCOMPARE(series.dropped(), std::uint64_t{0});
    }

    void aLaunchedServerAppearsAndCanBeStopped()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        const auto launched = node.client()->launch(sleeper());
        QVERIFY(launched);
        QSignalSpy changed(&node, &NodeController::contentChanged);
        node.refresh();
        QTRY_VERIFY_WITH_TIMEOUT(node.target(launched->id) != nullptr, kPatienceMs);
        QVERIFY(!changed.isEmpty());
        node.stopTarget(launched->id);
        const auto isOver = [&] {
            const proto::Target* target = node.target(launched->id);
            return !target || target->state == proto::TargetState::Exited || target->state == proto::TargetState::Killed;
        };
        QTRY_VERIFY_WITH_TIMEOUT(isOver(), kPatienceMs);
    }

    void anAbsentDaemonIsASentenceAndARetry()
    {
        jobs::JobRunner runner(4);
        NodeController node("unix:/tmp/gantry-no-such-folder/gantryd.sock", runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        QVERIFY(node.error());
        QVERIFY(!node.error()->message.empty());
        QVERIFY(node.retryInSeconds() > 0);
    }

    void anAddressThatCannotWorkIsNotTriedAgain()
    {
        jobs::JobRunner runner(4);
        NodeController node("nonsense://x", runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        QCOMPARE(node.error()->code, ErrorCode::BadInput);
        QCOMPARE(node.retryInSeconds(), 0);
    }

    void aKilledDaemonIsNoticedAndFoundAgainByItself()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        daemon.kill();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        QVERIFY(node.info()); // what was known stays
        QVERIFY(daemon.start());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
    }

    void aConnectionThatEndsAtOnceIsTriedLaterEachTimeAndToldOfOnce()
    {
        test::FakeNode::Behaviour behaviour;
        behaviour.endsMetrics = true;
        test::FakeNode fake(behaviour);
        jobs::JobRunner runner(4);
        NodeController node(fake.address(), runner);
        QSignalSpy lost(&node, &NodeController::lost), returned(&node, &NodeController::returned);
        node.open();
        QTRY_VERIFY_WITH_TIMEOUT(node.retryInSeconds() > 2, kPatienceMs); // 1 s, 2 s, 4 s
        QCOMPARE(lost.size(), 1);
        QVERIFY(returned.isEmpty());
    }

    void afterASleepALostNodeIsTriedAtOnce()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        daemon.kill();
        QTRY_VERIFY_WITH_TIMEOUT(node.state() == NodeController::State::Lost && node.retryInSeconds() > 3, kPatienceMs);
        QVERIFY(node.lostSince().isValid());
        QVERIFY(daemon.start());
        DurationNs slept = 0;
        WakeWatch watch([&slept] { return slept; });
        QSignalSpy woke(&watch, &WakeWatch::woke);
        connect(&watch, &WakeWatch::woke, &node, &NodeController::checkNow);
        watch.look();
        QVERIFY(woke.isEmpty());
        QCOMPARE(node.state(), NodeController::State::Lost);
        slept += 3'600'000'000'000;
        watch.look();
        QCOMPARE(woke.size(), 1);
        QCOMPARE(node.state(), NodeController::State::Connecting);
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        QVERIFY(!node.lostSince().isValid());
        watch.look(); // told once
        QCOMPARE(woke.size(), 1);
    }

    void aCaptureOfAServerThatCannotBeCapturedFailsWithASentence()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        node.open();
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Connected, kPatienceMs);
        const auto launched = node.client()->launch(sleeper());
        QVERIFY(launched);

        CaptureController capture(runner);
        std::optional<Error> failure;
        connect(&capture, &CaptureController::failed, &capture, [&](const QString&, const Error& error) { failure = error; });
        const QTemporaryDir folder;
        proto::CaptureRequest request;
        request.targetId = launched->id;
        request.durationNs = 100'000'000;
        capture.start(node.client(), request, folder.path().toStdString());
        QVERIFY(capture.isBusy());
        QTRY_VERIFY_WITH_TIMEOUT(failure, kPatienceMs);
        QVERIFY(!failure->message.empty());
        QVERIFY(!capture.isBusy());
    }

    void closingWhileTheStreamsRunReturnsAtOnce()
    {
        LocalNode daemon;
        QVERIFY(daemon.start());
        jobs::JobRunner runner(4);
        NodeController node(daemon.address(), runner);
        QSignalSpy metrics(&node, &NodeController::metricsArrived);
        node.open();
        QTRY_VERIFY_WITH_TIMEOUT(!metrics.isEmpty(), kPatienceMs);
        QElapsedTimer timer;
        timer.start();
        node.close();
        QVERIFY2(timer.elapsed() < 500, "the UI thread waited for a stream");
        QCOMPARE(node.state(), NodeController::State::Disconnected);
    }
};

QTEST_GUILESS_MAIN(NodeControllerTest)
#include "node_controller_test.moc"
