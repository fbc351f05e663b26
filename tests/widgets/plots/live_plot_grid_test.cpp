#include "tests/widgets/plots/steady_points.h"
#include "tests/widgets/trace_fixture.h"
#include "widgets/plots/live_plot_grid.h"
#include "widgets/plots/plot_head.h"
#include "widgets/theme/theme.h"

#include <qcustomplot.h>

#include <QFrame>
#include <QScrollArea>
#include <QScrollBar>
#include <QTest>

#include <algorithm>
#include <cmath>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;

namespace {

PlotPanel panel(const char* key, std::vector<PlotCurve> curves, double atLeast = 0)
{
    return {QLatin1String(key), QStringLiteral("Requests"), QStringLiteral("req/s"), std::move(curves), atLeast};
}

PlotCurve curve(const char* name, std::vector<metrics::Point> points)
{
    return {QLatin1String(name), std::move(points), {}};
}

/// The plot of a grid with one.
QCustomPlot* plotOf(const LivePlotGrid& grid)
{
    const auto plots = grid.findChildren<QCustomPlot*>();
    return plots.size() == 1 ? plots.front() : nullptr;
}

QFrame* frameOf(const QCustomPlot* plot)
{
    return qobject_cast<QFrame*>(plot->parentWidget());
}

bool hasText(const LivePlotGrid& grid, const QString& text)
{
    const auto heads = grid.findChildren<PlotHead*>();
    return std::any_of(heads.begin(), heads.end(), [&](const PlotHead* head) { return head->text().contains(text); });
}

} // namespace

class LivePlotGridTest : public QObject
{
    Q_OBJECT

private slots:
    void pointsBecomeACurveInSecondsBeforeNow()
    {
        LivePlotGrid grid;
        grid.setPanels({panel("requests", {curve("bert_base", {{kNow - 2 * kSecond, 20}, {kNow - kSecond, 21.5}, {kNow, 20.1}})})}, kWindow, kLongestGap);
        const QCustomPlot* plot = plotOf(grid);
        QVERIFY(plot);
        QCOMPARE(plot->graphCount(), 1);
        const auto data = plot->graph(0)->data();
        QCOMPARE(data->size(), 3);
        QCOMPARE(data->at(0)->key, -2.0);
        QCOMPARE(data->at(1)->value, 21.5);
        QCOMPARE(data->at(2)->key, 0.0);
        QCOMPARE(plot->xAxis->range().lower, -60.0);
        QCOMPARE(plot->xAxis->range().upper, 0.0);
    }

    void aNewStreamBreaksTheCurveHoweverShortTheSilenceWas()
    {
        LivePlotGrid grid;
        const std::vector<metrics::Point> points = steady(50, 40, 7);
        grid.setPanels({panel("requests", {curve("bert_base", points)})}, kWindow, kLongestGap, {kNow - 45 * kSecond + 1});
        std::vector<double> breaks;
        for (const QCPGraphData& point : *plotOf(grid)->graph(0)->data()) {
            if (std::isnan(point.value))
                breaks.push_back(point.key);
        }
        QCOMPARE(breaks.size(), std::size_t{1});
        QVERIFY(breaks.front() > -45 && breaks.front() <= -44);
    }

    void aSilenceBreaksTheCurveAndAShortOneDoesNot()
    {
        LivePlotGrid grid;
        std::vector<metrics::Point> points = steady(50, 40, 7);
        const auto later = steady(38, 30, 7), last = steady(20, 10, 7);
        points.insert(points.end(), later.begin(), later.end()); // 2 s apart
        points.insert(points.end(), last.begin(), last.end());   // 10 s apart
        grid.setPanels({panel("requests", {curve("bert_base", points)})}, kWindow, kLongestGap);
        const auto data = plotOf(grid)->graph(0)->data();
        std::vector<double> breaks;
        for (const QCPGraphData& point : *data) {
            if (std::isnan(point.value))
                breaks.push_back(point.key);
        }
        QCOMPARE(breaks, std::vector<double>{-20.0});
        QCOMPARE(data->size(), static_cast<int>(points.size()) + 1);
    }

    void theAxisStartsAtZeroAndReachesAboveTheHighestPoint()
    {
        LivePlotGrid grid;
        grid.setPanels({panel("requests", {curve("a", steady(10, 0, 3)), curve("b", steady(10, 0, 182))})}, kWindow, kLongestGap);
        QCOMPARE(plotOf(grid)->yAxis->range().lower, 0.0);
        QCOMPARE(plotOf(grid)->yAxis->range().upper, 300.0);
        grid.setPanels({panel("requests", {curve("a", steady(10, 0, 3))}, 100)}, kWindow, kLongestGap);
        QCOMPARE(plotOf(grid)->yAxis->range().upper, 100.0); // a flat line near 0 looks like one
        grid.setPanels({panel("requests", {curve("a", steady(10, 0, 0))})}, kWindow, kLongestGap);
        QVERIFY(plotOf(grid)->yAxis->range().upper > 0);
    }

    void theAxisDoesNotTrembleWithEachSample()
    {
        LivePlotGrid grid;
        std::vector<double> tops;
        for (const double value : {210.0, 231.0, 205.0, 250.0}) {
            grid.setPanels({panel("requests", {curve("a", steady(10, 0, value))})}, kWindow, kLongestGap);
            tops.push_back(plotOf(grid)->yAxis->range().upper);
        }
        QCOMPARE(tops, std::vector<double>(4, 300.0));
    }

    // 265 and 270 req/s lie on either side of a step: the axis jumped between 300 and 500 each second.
    void theAxisDoesNotJumpWhereValuesSwingAroundAStep()
    {
        LivePlotGrid grid;
        const auto topAt = [&](double value) {
            grid.setPanels({panel("requests", {curve("a", steady(10, 0, value))})}, kWindow, kLongestGap);
            return plotOf(grid)->yAxis->range().upper;
        };
        QCOMPARE(topAt(265), 300.0);
        QCOMPARE(topAt(270), 500.0);
        QCOMPARE(topAt(265), 500.0);
        QCOMPARE(topAt(200), 500.0);
        QCOMPARE(topAt(100), 150.0); // far below
    }

    void theLegendShowsTheNewestValueOfEachCurve()
    {
        LivePlotGrid grid;
        grid.setPanels({panel("requests", {curve("add_sub", {{kNow - kSecond, 3}, {kNow, 18'240}}), curve("bert_base", {{kNow, 20.14}})})}, kWindow, kLongestGap);
        QCOMPARE(grid.legendText(QStringLiteral("requests")).replace(QChar(0x2009), QLatin1Char(' ')),
                 QStringLiteral("add_sub 18 240 req/s\nbert_base 20.1 req/s"));
        QVERIFY(hasText(grid, QStringLiteral("Requests, req/s")));
        QVERIFY(grid.legendText(QStringLiteral("unknown")).isEmpty());
    }

    void aPlotWithoutCurvesWaits()
    {
        LivePlotGrid grid;
        grid.setPanels({panel("requests", {curve("a", steady(10, 0, 3))})}, kWindow, kLongestGap);
        grid.setPanels({panel("requests", {})}, kWindow, kLongestGap);
        QVERIFY(hasText(grid, QStringLiteral("waiting for samples")));
        QVERIFY(grid.legendText(QStringLiteral("requests")).isEmpty());
        QCOMPARE(plotOf(grid)->graphCount(), 0);
    }

    void aPhaseHasTheColourItHasEverywhere()
    {
        LivePlotGrid grid;
        PlotCurve queue = curve("queue", steady(10, 0, 3));
        queue.phase = records::RequestPhase::Queue;
        grid.setPanels({panel("phases", {curve("all", steady(10, 0, 9)), queue})}, kWindow, kLongestGap);
        const Theme& theme = Theme::forPalette(grid.palette());
        QCOMPARE(plotOf(grid)->graph(0)->pen().color(), theme.series(0));
        QCOMPARE(plotOf(grid)->graph(1)->pen().color(), theme.phase(records::RequestPhase::Queue));
    }

    void aPlotThatStaysKeepsItsWidget()
    {
        LivePlotGrid grid;
        grid.setPanels({panel("requests", {}), panel("queue", {})}, kWindow, kLongestGap);
        const auto before = grid.findChildren<QCustomPlot*>();
        grid.setPanels({panel("queue", {}), panel("power", {})}, kWindow, kLongestGap);
        const auto after = grid.findChildren<QCustomPlot*>();
        QCOMPARE(after.size(), qsizetype{2});
        QCOMPARE(std::count_if(after.begin(), after.end(), [&](QCustomPlot* plot) { return before.contains(plot); }), std::ptrdiff_t{1});
    }

    void plotsStandInTwoColumnsAndAnOddLastOneIsWide()
    {
        LivePlotGrid grid;
        grid.resize(900, 700);
        grid.setPanels({panel("a", {}), panel("b", {}), panel("c", {})}, kWindow, kLongestGap);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        const auto plots = grid.findChildren<QCustomPlot*>();
        std::vector<QRect> places;
        for (const QCustomPlot* plot : plots)
            places.push_back(frameOf(plot)->geometry());
        QCOMPARE(places[0].top(), places[1].top());
        QVERIFY(places[1].left() > places[0].right());
        QVERIFY(std::abs(places[1].width() - places[0].width()) <= 1);
        QVERIFY(places[2].top() > places[0].bottom());
        QVERIFY(places[2].width() > 800);
    }

    // The rows of plots that had gone kept their share of the height.
    void plotsThatGoLeaveTheirHeightToTheOthers()
    {
        LivePlotGrid grid;
        grid.resize(900, 700);
        grid.setPanels({panel("a", {}), panel("b", {}), panel("c", {}), panel("d", {}), panel("e", {})}, kWindow, kLongestGap);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        grid.setPanels({panel("a", {}), panel("b", {})}, kWindow, kLongestGap);
        QTRY_VERIFY(frameOf(grid.findChildren<QCustomPlot*>().front())->height() > 600);
    }

    void bothThemesPaintTheCurve_data()
    {
        QTest::addColumn<bool>("isDark");
        QTest::newRow("light") << false;
        QTest::newRow("dark") << true;
    }

    void bothThemesPaintTheCurve()
    {
        QFETCH(bool, isDark);
        const Theme& theme = Theme::of(isDark ? ColorScheme::Dark : ColorScheme::Light);
        LivePlotGrid grid;
        grid.setPalette(theme.palette());
        grid.resize(700, 300);
        grid.setPanels({panel("requests", {curve("a", steady(50, 30, 5))})}, kWindow, kLongestGap);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        QCustomPlot* plot = plotOf(grid);
        plot->replot(QCustomPlot::rpImmediateRefresh);
        const QImage image = imageOf(*plot);
        QVERIFY(pixelsOf(image, theme.base) > image.width() * image.height() / 2);
        const auto isDrawn = [&](double seconds) {
            const QColor color = theme.series(0);
            const QImage column = image.copy(static_cast<int>(plot->xAxis->coordToPixel(seconds)), 0, 1, image.height());
            for (int y = 0; y < column.height(); ++y) {
                const QColor pixel = column.pixelColor(0, y);
                if (std::abs(pixel.hslHue() - color.hslHue()) < 15 && pixel.hslSaturation() > 80)
                    return true;
            }
            return false;
        };
        QVERIFY(isDrawn(-40));
        QVERIFY(!isDrawn(-20)); // nothing after the last sample
    }

    void aChangedThemeRepaintsPlotsThatGetNoMoreSamples()
    {
        LivePlotGrid grid;
        grid.setPalette(Theme::of(ColorScheme::Light).palette());
        grid.setPanels({panel("requests", {curve("a", steady(50, 30, 5))})}, kWindow, kLongestGap);
        const Theme& dark = Theme::of(ColorScheme::Dark);
        grid.setPalette(dark.palette());
        QCOMPARE(plotOf(grid)->xAxis->tickLabelColor(), dark.weakText);
        QCOMPARE(plotOf(grid)->graph(0)->pen().color(), dark.series(0));
    }

    void whatIsScrolledOutOfViewIsNotDrawn()
    {
        QScrollArea area;
        auto* grid = new LivePlotGrid;
        area.setWidgetResizable(true);
        area.setWidget(grid);
        area.resize(600, 400);
        grid->setColumns(1);
        const auto panels = [] {
            std::vector<PlotPanel> all;
            for (int i = 0; i < 12; ++i)
                all.push_back(panel(qPrintable(QString::number(i)), {curve("bert_base", {{kNow - kSecond, 1}, {kNow, 2}})}));
            return all;
        };
        area.show();
        QVERIFY(QTest::qWaitForWindowExposed(&area));
        grid->setPanels(panels(), kWindow, kLongestGap);
        QTRY_VERIFY(!grid->isInView(QStringLiteral("11")));
        QVERIFY(grid->isInView(QStringLiteral("0")));
        auto later = panels();
        for (PlotPanel& one : later)
            one.curves.at(0).points.back().value = 30;
        grid->setPanels(later, kWindow, kLongestGap);
        QVERIFY(grid->legendText(QStringLiteral("0")).contains(QStringLiteral("30")));
        QVERIFY(!grid->legendText(QStringLiteral("11")).contains(QStringLiteral("30")));
        area.verticalScrollBar()->setValue(area.verticalScrollBar()->maximum());
        QTRY_VERIFY(grid->isInView(QStringLiteral("11")));
        QVERIFY(!grid->isInView(QStringLiteral("0")));
        grid->setPanels(later, kWindow, kLongestGap);
        QVERIFY(grid->legendText(QStringLiteral("11")).contains(QStringLiteral("30")));
    }
};

QTEST_MAIN(LivePlotGridTest)
#include "live_plot_grid_test.moc"
