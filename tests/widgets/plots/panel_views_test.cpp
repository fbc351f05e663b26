#include "tests/widgets/plots/steady_points.h"
#include "tests/widgets/trace_fixture.h"
#include "widgets/plots/heat_plot.h"
#include "widgets/plots/live_plot_grid.h"
#include "widgets/plots/plot_head.h"
#include "widgets/plots/state_plot.h"
#include "widgets/plots/value_grid.h"
#include "widgets/plots/value_table.h"
#include "widgets/theme/theme.h"

#include <qcustomplot.h>

#include <QContextMenuEvent>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTableWidget>
#include <QTest>

#include <limits>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using metrics::PanelKind;

namespace {

PlotPanel panel(PanelKind kind, std::vector<PlotCurve> curves)
{
    PlotPanel made{QStringLiteral("key"), QStringLiteral("Title"), QStringLiteral("W"), std::move(curves)};
    made.kind = kind;
    return made;
}

PlotCurve bucket(double bound, std::vector<metrics::Point> points)
{
    PlotCurve made{QString::number(bound), std::move(points), {}};
    made.upperBound = bound;
    return made;
}

void show(LivePlotGrid& grid, const PlotPanel& wanted)
{
    grid.resize(500, 300);
    grid.setPanels({wanted}, kWindow, kLongestGap);
}

} // namespace

class PanelViewsTest : public QObject
{
    Q_OBJECT

private slots:
    void eachKindHasItsView()
    {
        LivePlotGrid grid;
        show(grid, panel(PanelKind::Tile, {}));
        QVERIFY(grid.findChild<ValueGrid*>());
        show(grid, panel(PanelKind::Bar, {}));
        QVERIFY(grid.findChild<ValueGrid*>());
        show(grid, panel(PanelKind::Table, {}));
        QVERIFY(grid.findChild<ValueTable*>());
        show(grid, panel(PanelKind::HeatMap, {}));
        QVERIFY(grid.findChild<HeatPlot*>());
        show(grid, panel(PanelKind::States, {}));
        QVERIFY(grid.findChild<StatePlot*>());
        QCOMPARE(grid.findChildren<PanelView*>().size(), qsizetype{1}); // those before are gone
        QVERIFY(grid.findChild<PlotHead*>()->text().contains(QStringLiteral("waiting for samples")));
    }

    void aTileSaysTheNewestValueAndADashOnceItIsOld()
    {
        LivePlotGrid grid;
        show(grid, panel(PanelKind::Tile,
                         {{QStringLiteral("GPU 0"), steady(50, 0, 93.2), {}}, {QStringLiteral("GPU 1"), steady(50, 20, 7), {}}}));
        QCOMPARE(grid.legendText(QStringLiteral("key")), QStringLiteral("GPU 0 93.2 W\nGPU 1 – W"));
    }

    void aTableHasTheNewestTheLeastTheMostAndTheMeanOfEachCurve()
    {
        LivePlotGrid grid;
        show(grid, panel(PanelKind::Table, {{QStringLiteral("a"), {{kNow - 2 * kSecond, 1}, {kNow - kSecond, 6}, {kNow, 2}}, {}},
                                            {QStringLiteral("b"), steady(50, 30, 5), {}}}));
        const auto* table = grid.findChild<QTableWidget*>();
        const auto row = [&](int index) {
            QStringList cells;
            for (int column = 0; column < table->columnCount(); ++column)
                cells << table->item(index, column)->text();
            return cells.join(QLatin1Char(' '));
        };
        QCOMPARE(table->rowCount(), 2);
        QCOMPARE(row(0), QStringLiteral("a 2 1 6 3"));
        QCOMPARE(row(1), QStringLiteral("b – 5 5 5"));
        show(grid, panel(PanelKind::Table, {{QStringLiteral("b"), steady(50, 30, 5), {}}}));
        QCOMPARE(table->rowCount(), 1);
    }

    void aHeatMapOfAHistogramShowsWhatFellIntoEachBucketAndItsPercentiles()
    {
        LivePlotGrid grid;
        // Per second: 2 up to 10 ms, 6 more up to 100 ms, and 2 beyond; given in another order, as labels sort.
        const double infinity = std::numeric_limits<double>::infinity();
        show(grid,
             panel(PanelKind::HeatMap, {bucket(infinity, steady(50, 0, 10)), bucket(10, steady(50, 0, 2)), bucket(100, steady(50, 0, 8))}));
        const auto& heat = *grid.findChild<HeatPlot*>();
        QCOMPARE(heat.rows(), std::size_t{3});
        const TimestampNs at = kNow - 30 * kSecond;
        QCOMPARE(heat.valueAt(0, at), std::optional(2.0));
        QCOMPARE(heat.valueAt(1, at), std::optional(6.0));
        QCOMPARE(heat.valueAt(2, at), std::optional(2.0));
        QVERIFY(!heat.valueAt(0, kNow - 55 * kSecond)); // before the first scrape: nothing, not 0
        QCOMPARE(grid.legendText(QStringLiteral("key")), QStringLiteral("median 55\np99 –\nper s 10"));
    }

    void aHeatMapOfOtherCurvesHasARowForEach()
    {
        LivePlotGrid grid;
        show(grid, panel(PanelKind::HeatMap, {{QStringLiteral("a"), steady(50, 0, 3), {}}, {QStringLiteral("b"), steady(50, 0, 4), {}}}));
        const auto& heat = *grid.findChild<HeatPlot*>();
        QCOMPARE(heat.valueAt(1, kNow - kSecond), std::optional(3.0)); // the first one is on top
        QCOMPARE(heat.valueAt(0, kNow - kSecond), std::optional(4.0));
    }

    void aStateTimelineHasARunForEachValueAndNoneWhereNothingWasMeasured()
    {
        LivePlotGrid grid;
        std::vector<metrics::Point> points = steady(50, 41, 0);
        const auto busy = steady(40, 31, 2), later = steady(10, 0, 0);
        points.insert(points.end(), busy.begin(), busy.end());
        points.insert(points.end(), later.begin(), later.end());
        PlotPanel wanted = panel(PanelKind::States, {{QStringLiteral("GPU 0"), points, {}}});
        wanted.states = {{0, QStringLiteral("P0")}};
        wanted.thresholds = {{2, true}};
        show(grid, wanted);
        const auto& view = *grid.findChild<StatePlot*>();
        const auto runs = view.runsOf(view.panel().curves.front());
        QCOMPARE(runs.size(), std::size_t{3});
        QCOMPARE(runs[0].time, (TimeRange{kNow - 50 * kSecond, kNow - 40 * kSecond}));
        QCOMPARE(runs[1].value, 2.0);
        QVERIFY(runs[1].time.end < kNow - 30 * kSecond); // then there is nothing for 20 s
        QCOMPARE(runs[2].time, (TimeRange{kNow - 10 * kSecond, kNow}));
        QCOMPARE(view.stateText(0), QStringLiteral("P0"));
        QCOMPARE(view.stateText(2), QStringLiteral("2"));
        const Theme& theme = Theme::forPalette(grid.palette());
        QCOMPARE(view.stateColor(2, theme), theme.bad);
        QCOMPARE(view.stateColor(0, theme), theme.good);
        QCOMPARE(grid.legendText(QStringLiteral("key")), QStringLiteral("GPU 0 P0"));
    }

    void aClickOfTwoOnATitleFillsThePageAndEscShowsAllAgain()
    {
        LivePlotGrid grid;
        grid.resize(900, 700);
        PlotPanel first = panel(PanelKind::Line, {{QStringLiteral("a"), steady(50, 0, 3), {}}}), second = panel(PanelKind::Tile, {});
        second.key = QStringLiteral("second");
        const auto draw = [&] { grid.setPanels({first, second}, kWindow, kLongestGap); };
        draw();
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        QSignalSpy filled(&grid, &LivePlotGrid::filled);
        PlotHead* head = grid.findChildren<PlotHead*>().front();
        QTest::mouseDClick(head, Qt::LeftButton, {}, QPoint(10, 5));
        QCOMPARE(filled.size(), 1);
        draw();
        const auto views = [&] {
            int visible = 0;
            for (const PanelView* view : grid.findChildren<PanelView*>())
                visible += view->isVisible() ? 1 : 0;
            return visible;
        };
        QCOMPARE(views(), 1);
        QTRY_VERIFY(head->parentWidget()->width() > 800 && head->parentWidget()->height() > 600);
        QTest::keyClick(&grid, Qt::Key_Escape);
        QVERIFY(grid.filledWith().isEmpty());
        draw();
        QCOMPARE(views(), 2);
        QTRY_VERIFY(head->parentWidget()->width() < 500);
    }

    void theHeadOfAPlotNeverTakesMoreThanItsLinesAndSaysHowManyAreLeft()
    {
        PlotHead head;
        head.setTitle(QStringLiteral("SM and tensor cores, %"), {});
        std::vector<LegendEntry> entries;
        for (int gpu = 0; gpu < 8; ++gpu)
            for (const char* what : {"SM active", "occupancy", "tensor", "DRAM"})
                entries.push_back({QStringLiteral("GPU %1 %2").arg(gpu).arg(QLatin1String(what)), QStringLiteral("12.3"), Qt::red, {}});
        head.setEntries(entries, {}, {});
        QCOMPARE(head.heightForWidth(250), head.heightForWidth(600));
        QVERIFY(head.hidden(250) > 0);
        QVERIFY(head.hidden(250) > head.hidden(600));
        QCOMPARE(head.hidden(6000), 0);
        QVERIFY(head.heightForWidth(6000) < head.heightForWidth(600));
    }

    void theCursorOfOnePlotShowsTheValuesOfThatTimeInAll()
    {
        LivePlotGrid grid;
        grid.resize(900, 400);
        std::vector<metrics::Point> points = steady(50, 31, 3);
        const auto later = steady(30, 0, 8);
        points.insert(points.end(), later.begin(), later.end());
        PlotPanel first = panel(PanelKind::Line, {{QStringLiteral("a"), points, {}}}), second = first;
        second.key = QStringLiteral("second");
        grid.setPanels({first, second}, kWindow, kLongestGap);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        QCOMPARE(grid.legendText(QStringLiteral("second")), QStringLiteral("a 8 W"));
        TimePlot* plot = grid.findChild<TimePlot*>();
        QSignalSpy moved(&grid, &LivePlotGrid::cursorMoved);
        const QPoint point(plot->xOf(kNow - 40 * kSecond), plot->canvas()->height() / 2);
        QMouseEvent move(QEvent::MouseMove, point, plot->canvas()->mapToGlobal(point), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
        QCoreApplication::sendEvent(plot->canvas(), &move);
        QCOMPARE(moved.size(), 1);
        QCOMPARE(grid.legendText(QStringLiteral("second")), QStringLiteral("a 3 W"));
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(plot->canvas(), &leave);
        QCOMPARE(grid.legendText(QStringLiteral("second")), QStringLiteral("a 8 W"));
    }

    void anEarlierCurveIsDashedInTheColourOfTheOneOfNowWhichAloneIsNamed()
    {
        LivePlotGrid grid;
        PlotCurve earlier{QStringLiteral("b, before"), steady(50, 0, 9), {}};
        earlier.isEarlier = true;
        earlier.color = 1;
        show(grid,
             panel(PanelKind::Line, {{QStringLiteral("a"), steady(50, 0, 3), {}}, {QStringLiteral("b"), steady(50, 0, 4), {}}, earlier}));
        const auto* plot = grid.findChild<QCustomPlot*>();
        QCOMPARE(plot->graph(2)->pen().style(), Qt::DashLine);
        QCOMPARE(plot->graph(2)->pen().color(), plot->graph(1)->pen().color());
        QCOMPARE(plot->graph(1)->pen().style(), Qt::SolidLine);
        QVERIFY(!grid.findChild<PlotHead*>()->text().contains(QStringLiteral("before")));
        QVERIFY(grid.legendText(QStringLiteral("key")).contains(QStringLiteral("b, before 9 W"))); // under the mouse
    }

    void aBandIsFoundWhereItIsDrawnHoweverShortItIs()
    {
        LivePlotGrid grid;
        grid.resize(500, 300);
        PlotBand shortOne;
        shortOne.key = QStringLiteral("short");
        shortOne.time = {kNow - 20 * kSecond, kNow - 20 * kSecond + 1'000'000};
        PlotBand longOne;
        longOne.key = QStringLiteral("long");
        longOne.time = {kNow - 40 * kSecond, kNow - 30 * kSecond};
        grid.setBands({longOne, shortOne});
        grid.setPanels({panel(PanelKind::Line, {{QStringLiteral("a"), steady(50, 0, 3), {}}})}, kWindow, kLongestGap);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        grid.setPanels({panel(PanelKind::Line, {{QStringLiteral("a"), steady(50, 0, 3), {}}})}, kWindow, kLongestGap);
        TimePlot* plot = grid.findChild<TimePlot*>();
        QSignalSpy activated(&grid, &LivePlotGrid::bandActivated);
        const auto clickAt = [&](TimestampNs time) {
            QTest::mouseDClick(plot->canvas(), Qt::LeftButton, {}, QPoint(plot->xOf(time), plot->canvas()->height() / 2));
        };
        clickAt(kNow - 20 * kSecond);
        clickAt(kNow - 35 * kSecond);
        clickAt(kNow - 10 * kSecond);
        QCOMPARE(activated.size(), 2);
        QCOMPARE(activated.at(0).at(0).toString(), QStringLiteral("short"));
        QCOMPARE(activated.at(1).at(0).toString(), QStringLiteral("long"));
    }
};

QTEST_MAIN(PanelViewsTest)
#include "panel_views_test.moc"
