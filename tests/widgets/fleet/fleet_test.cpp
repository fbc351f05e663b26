#include "widgets/fleet/fleet_delegate.h"
#include "widgets/fleet/fleet_model.h"
#include "widgets/fleet/fleet_order.h"
#include "widgets/fleet/fleet_view.h"

#include <QAbstractItemModelTester>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>

using namespace gantry::widgets;

namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

NodeTile tile(const QString& name, std::optional<double> utilisation = {}, std::optional<double> requests = {},
              NodeTile::State state = NodeTile::State::Connected)
{
    NodeTile made;
    made.key = QStringLiteral("ssh://") + name;
    made.name = name;
    made.address = made.key;
    made.state = state;
    made.stateText = QStringLiteral("connected");
    if (utilisation)
        made.gpus = {{QStringLiteral("NVIDIA H100"), utilisation, {}, {}, {}}};
    made.requestsPerSecond = requests;
    return made;
}

QStringList namesOf(const FleetOrder& order)
{
    QStringList names;
    for (int row = 0; row < order.rowCount(); ++row)
        names << order.index(row, 0).data().toString();
    return names;
}

QStringList names(std::initializer_list<const char*> list)
{
    QStringList result;
    for (const char* name : list)
        result << QLatin1String(name);
    return result;
}

} // namespace

class FleetTest : public QObject
{
    Q_OBJECT

private slots:
    void whatIsNotKnownIsADashAndNeverZero()
    {
        const NodeTile unknown;
        QCOMPARE(ratioText(meanUtilisation(unknown)), QStringLiteral("–"));
        QCOMPARE(memoryText(usedMemory(unknown), totalMemory(unknown)), QStringLiteral("–"));
        QCOMPARE(powerText(totalPower(unknown)), QStringLiteral("–"));
        QCOMPARE(requestText(unknown.requestsPerSecond), QStringLiteral("–"));
        QCOMPARE(activityText(unknown), QStringLiteral("models –"));
        QCOMPARE(memoryText({}, 80 * kGiB), QStringLiteral("– of 80.0 GiB"));
        QCOMPARE(requestText(0.0), QStringLiteral("0 req/s"));
        QCOMPARE(ratioText(0.0), QStringLiteral("0 %"));
    }

    void aSumIsThereOnlyWhereEachGpuHasAValue()
    {
        NodeTile two = tile(QStringLiteral("a"), 0.5);
        two.gpus.push_back({QStringLiteral("NVIDIA H100"), {}, 8 * kGiB, 80 * kGiB, 300.0});
        QCOMPARE(*meanUtilisation(two), 0.5); // a mean may be over those that are known
        QVERIFY(!totalPower(two) && !usedMemory(two) && !totalMemory(two));
        two.gpus.front().memoryTotalBytes = 80 * kGiB;
        QCOMPARE(memoryText(usedMemory(two), totalMemory(two)), QStringLiteral("– of 160 GiB"));
        two.gpus.front().memoryUsedBytes = 4 * kGiB;
        two.gpus.front().powerW = 100.0;
        QCOMPARE(*totalPower(two), 400.0);
        QCOMPARE(memoryText(usedMemory(two), totalMemory(two)), QStringLiteral("12.0 of 160 GiB"));
        QCOMPARE(gpuText(two), QStringLiteral("2 × H100"));
    }

    void aFlightRecorderIsNamedAsOne()
    {
        NodeTile node = tile(QStringLiteral("a"));
        node.isRecording = true;
        QCOMPARE(activityText(node), QStringLiteral("models – · flight recorder on"));
    }

    void everyWordOfTheFilterStandsSomewhereInWhatIsKnown()
    {
        NodeTile node = tile(QStringLiteral("gpu-07"), 0.5);
        node.group = QStringLiteral("Research");
        node.tags = {QStringLiteral("staging")};
        node.servers = {QStringLiteral("triton"), QStringLiteral("bert_base")};
        node.notes = {{TileNote::Kind::Warning, QStringLiteral("disk nearly full: 2 GiB free")}};
        for (const char* found : {"", "  ", "GPU-07", "h100 research", "bert staging", "disk full", "connected"})
            QVERIFY2(matches(node, {QLatin1String(found), {}, {}}), found);
        for (const char* other : {"gpu-08", "h100 production"})
            QVERIFY2(!matches(node, {QLatin1String(other), {}, {}}), other);
        QVERIFY(matches(node, {{}, QStringLiteral("Research"), QStringLiteral("staging")}));
        QVERIFY(!matches(node, {{}, QStringLiteral("Res"), {}}));
        QVERIFY(!matches(node, {{}, {}, QStringLiteral("stag")}));
    }

    void whatIsSortedByComesFirstAndNodesWithoutItLast()
    {
        FleetModel model;
        FleetOrder order;
        order.setSourceModel(&model);
        model.setTiles({tile(QStringLiteral("gpu-10"), 0.2, 5.0), tile(QStringLiteral("gpu-9"), {}, {}, NodeTile::State::Lost),
                        tile(QStringLiteral("gpu-2"), 0.9, 0.0), tile(QStringLiteral("cpu"), {}, 70.0, NodeTile::State::NeedsPerson)});
        order.arrange();
        QCOMPARE(namesOf(order), names({"cpu", "gpu-2", "gpu-9", "gpu-10"}));
        order.setOrder(FleetSort::GpuUtilisation);
        QCOMPARE(namesOf(order), names({"gpu-2", "gpu-10", "cpu", "gpu-9"}));
        order.setOrder(FleetSort::RequestRate);
        QCOMPARE(namesOf(order), names({"cpu", "gpu-10", "gpu-2", "gpu-9"}));
        order.setOrder(FleetSort::State);
        QCOMPARE(namesOf(order), names({"cpu", "gpu-9", "gpu-2", "gpu-10"}));
        order.setFilter({QStringLiteral("gpu"), {}, {}});
        QCOMPARE(namesOf(order), names({"gpu-9", "gpu-2", "gpu-10"}));
    }

    void valuesThatChangeMoveTilesOnlyWhenTheyAreArranged()
    {
        FleetModel model;
        FleetOrder order;
        order.setSourceModel(&model);
        order.setOrder(FleetSort::GpuUtilisation);
        model.setTiles({tile(QStringLiteral("a"), 0.2), tile(QStringLiteral("b"), 0.1)});
        order.arrange();
        QVERIFY(!model.setTiles({tile(QStringLiteral("a"), 0.2), tile(QStringLiteral("b"), 0.9)}));
        QCOMPARE(namesOf(order), names({"a", "b"}));
        order.arrange();
        QCOMPARE(namesOf(order), names({"b", "a"}));
    }

    void nodesComeAndGoAndTheSelectionStays()
    {
        FleetModel model;
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        FleetOrder order;
        order.setSourceModel(&model);
        FleetView view(order);
        QVERIFY(model.setTiles({tile(QStringLiteral("a")), tile(QStringLiteral("b")), tile(QStringLiteral("c"))}));
        order.arrange();
        view.select({QStringLiteral("ssh://b"), QStringLiteral("ssh://c")});
        QVERIFY(model.setTiles({tile(QStringLiteral("d")), tile(QStringLiteral("c"), 0.4), tile(QStringLiteral("b"))}));
        order.arrange();
        QCOMPARE(namesOf(order), names({"b", "c", "d"}));
        QCOMPARE(view.selectedKeys(), names({"ssh://b", "ssh://c"}));
        QSignalSpy changed(&model, &FleetModel::dataChanged);
        QVERIFY(!model.setTiles({tile(QStringLiteral("d")), tile(QStringLiteral("c"), 0.5), tile(QStringLiteral("b"))}));
        QCOMPARE(changed.size(), 1); // of the one that is another
    }

    void tilesShareTheWidthAndAreSelectedByMouseAndKeys()
    {
        FleetModel model;
        FleetOrder order;
        order.setSourceModel(&model);
        FleetView view(order);
        std::vector<NodeTile> tiles;
        for (int i = 0; i < 100; ++i)
            tiles.push_back(tile(QStringLiteral("gpu-%1").arg(i), 0.01 * i));
        model.setTiles(std::move(tiles));
        order.arrange();
        const QSize least = FleetDelegate::leastSize(view.font());
        view.resize(3 * least.width() + 60, 500);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        const QRect first = view.visualRect(order.index(0, 0)), third = view.visualRect(order.index(2, 0)),
                    fourth = view.visualRect(order.index(3, 0));
        QCOMPARE(first.top(), third.top());
        QVERIFY(fourth.top() > first.top());
        QVERIFY(third.right() <= view.viewport()->width());
        QVERIFY(view.viewport()->width() - third.right() < 20);

        QSignalSpy activated(&view, &FleetView::nodeActivated);
        QTest::mouseClick(view.viewport(), Qt::LeftButton, Qt::NoModifier, first.center());
        QTest::mouseClick(view.viewport(), Qt::LeftButton, Qt::ControlModifier, third.center());
        QCOMPARE(view.selectedKeys(), names({"ssh://gpu-0", "ssh://gpu-2"}));
        QTest::keyClick(&view, Qt::Key_A, Qt::ControlModifier);
        QCOMPARE(view.selectedKeys().size(), 100);
        QTest::mouseClick(view.viewport(), Qt::LeftButton, Qt::NoModifier, first.center());
        QTest::mouseDClick(view.viewport(), Qt::LeftButton, Qt::NoModifier, first.center());
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated.front().front().toString(), QStringLiteral("ssh://gpu-0"));
    }

    // A tile of every state and every kind of value, in a view too narrow for one.
    void everyKindOfTileIsPainted()
    {
        FleetModel model;
        FleetOrder order;
        order.setSourceModel(&model);
        FleetView view(order);
        std::vector<NodeTile> tiles;
        for (int state = 0; state <= static_cast<int>(NodeTile::State::Disconnected); ++state) {
            NodeTile made = tile(QStringLiteral("node-%1").arg(state), 0.5, 3.0, static_cast<NodeTile::State>(state));
            for (int gpu = 0; gpu < 40 * state; ++gpu)
                made.gpus.push_back({{}, {}, 79.0 * kGiB, 80.0 * kGiB, 700.0});
            made.requestHistory = {1.0, std::nullopt, 2.0};
            made.powerHistory = TileHistory(200, 0.0);
            made.notes = {{TileNote::Kind::Error, QString(500, QLatin1Char('x'))}, {TileNote::Kind::Warning, QStringLiteral("y")}};
            tiles.push_back(std::move(made));
        }
        model.setTiles(std::move(tiles));
        order.arrange();
        view.resize(120, 2000);
        QVERIFY(!view.grab().isNull());
        QVERIFY(view.horizontalScrollBar()->maximum() == 0);
    }
};

QTEST_MAIN(FleetTest)
#include "fleet_test.moc"
