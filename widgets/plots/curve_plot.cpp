#include "widgets/plots/curve_plot.h"

#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QSharedPointer>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace gantry::widgets {

namespace {

constexpr double kHeadroom = 1.12; // above the highest point
constexpr double kRoomForTheLine = 1.02;
constexpr double kRoomToShrink = 0.4; // an axis whose curves need less of it becomes shorter
constexpr double kAreaAlpha = 0.35;
constexpr DurationNs kLongestApart = 2'000'000'000; // values of two servers that stand on each other

/// Numbers as everywhere else: "20 000", "0.5".
class ValueTicker : public QCPAxisTicker
{
protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override { return formatNumber(tick); }
};

/// Largest value of the axis: one of a few round factors times a power of ten, so that it does not tremble with each sample.
double roundedUp(double value)
{
    if (value <= 0)
        return 1;
    const double power = std::pow(10.0, std::floor(std::log10(value)));
    for (const double factor : {1.0, 1.5, 2.0, 3.0, 5.0, 7.5}) {
        if (value <= factor * power)
            return factor * power;
    }
    return 10 * power;
}

/// The values of curves that stand on each other, with the newest of the one below; where that has none of late, the one on it stands
/// alone.
std::vector<metrics::Point> stackedOn(const std::vector<metrics::Point>& below, const std::vector<metrics::Point>& points)
{
    std::vector<metrics::Point> sums;
    auto next = below.begin();
    for (const metrics::Point& point : points) {
        while (next != below.end() && next->time <= point.time)
            ++next;
        const bool isThere = next != below.begin() && point.time - std::prev(next)->time <= kLongestApart;
        sums.push_back({point.time, point.value + (isThere ? std::prev(next)->value : 0)});
    }
    return sums;
}

} // namespace

CurvePlot::CurvePlot(QWidget* parent)
    : TimePlot(parent)
{
    plot().yAxis->setTicker(QSharedPointer<ValueTicker>::create());
}

void CurvePlot::draw(const Theme& theme)
{
    const std::vector<PlotCurve>& curves = panel().curves;
    const bool isStacked = panel().kind == metrics::PanelKind::Area;
    setThresholds(theme);
    while (plot().graphCount() > static_cast<int>(curves.size()))
        plot().removeGraph(plot().graphCount() - 1);
    std::vector<metrics::Point> below;
    double most = panel().atLeast;
    for (std::size_t i = 0; i < curves.size(); ++i) {
        QCPGraph* graph = static_cast<int>(i) < plot().graphCount() ? plot().graph(static_cast<int>(i)) : plot().addGraph();
        if (isStacked)
            below = i == 0 ? curves[i].points : stackedOn(below, curves[i].points);
        most = std::max(most, setPoints(*graph, isStacked ? below : curves[i].points) * kHeadroom);
    }
    colorCurves(theme);
    showValues(theme);
    // It grows at once, and shrinks late: curves around a step of roundedUp() would make it jump to and fro.
    if (most > m_top || most < m_top * kRoomToShrink)
        m_top = roundedUp(most);
    plot().yAxis->setRange(0, panel().atMost > 0 ? panel().atMost * kRoomForTheLine : m_top);
    replot(theme);
}

void CurvePlot::showValues(const Theme& theme)
{
    showLegend(theme, cursor());
}

void CurvePlot::applyTheme(const Theme& theme, const QFont& font)
{
    colorCurves(theme);
    setThresholds(theme);
    showValues(theme);
    TimePlot::applyTheme(theme, font);
}

void CurvePlot::setThresholds(const Theme& theme)
{
    const std::vector<PlotThreshold>& thresholds = panel().thresholds;
    while (m_thresholds.size() > thresholds.size()) {
        plot().removeItem(m_thresholds.back());
        m_thresholds.pop_back();
    }
    while (m_thresholds.size() < thresholds.size())
        m_thresholds.push_back(new QCPItemStraightLine(&plot())); // the plot owns it
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
        m_thresholds[i]->setPen(QPen(colorOf(thresholds[i], theme), 1, Qt::DashLine));
        m_thresholds[i]->point1->setCoords(0, thresholds[i].value);
        m_thresholds[i]->point2->setCoords(1, thresholds[i].value);
    }
}

void CurvePlot::colorCurves(const Theme& theme)
{
    const std::vector<PlotCurve>& curves = panel().curves;
    const bool isStacked = panel().kind == metrics::PanelKind::Area;
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const QColor color = colorOf(curves[i], i, theme);
        QCPGraph* graph = plot().graph(static_cast<int>(i));
        graph->setPen(QPen(color, curves[i].isEarlier ? 1.2 : 1.6, curves[i].isEarlier ? Qt::DashLine : Qt::SolidLine));
        QColor area = color;
        area.setAlphaF(kAreaAlpha);
        graph->setBrush(isStacked ? QBrush(area) : QBrush(Qt::NoBrush));
        graph->setChannelFillGraph(isStacked && i > 0 ? plot().graph(static_cast<int>(i) - 1) : nullptr);
    }
}

double CurvePlot::setPoints(QCPGraph& graph, const std::vector<metrics::Point>& points) const
{
    QVector<double> x, y;
    double most = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double seconds = secondsOf(points[i].time);
        if (i > 0 && time().isGap(points[i - 1].time, points[i].time)) {
            x << seconds;
            y << std::numeric_limits<double>::quiet_NaN();
        }
        x << seconds;
        y << points[i].value;
        most = std::max(most, points[i].value);
    }
    graph.setData(x, y, true);
    return most;
}

} // namespace gantry::widgets
