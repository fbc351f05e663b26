#include "widgets/sweep/sweep_plot.h"

#include "widgets/plots/plot_style.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QToolTip>
#include <QVBoxLayout>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace gantry::widgets {

namespace {

using sweep::Figure;

constexpr double kNsPerMs = 1e6;
constexpr double kHeadroom = 1.1;             // beyond the farthest point
constexpr int kPointSize = 9, kRingSize = 15; // px
constexpr int kReach = 10;                    // px from a point to the mouse

bool hasBoth(const sweep::Point& point)
{
    return point.figures[Figure::Throughput] && point.figures[Figure::P99];
}

QPointF placeOf(const sweep::Point& point)
{
    return {*point.figures[Figure::Throughput], *point.figures[Figure::P99] / kNsPerMs};
}

bool isMarked(const sweep::Point& point)
{
    return point.figures[Figure::Failures].value_or(0) > 0 || point.figures[Figure::Dropped].value_or(0) > 0;
}

QString valueOf(const sweep::Point& point, const std::string& parameter)
{
    const std::string* value = point.parameter(parameter);
    return value ? toQString(*value) : QStringLiteral("–");
}

/// Numbers as numbers, so that 2 comes before 16.
struct ByValue
{
    bool operator()(const QString& a, const QString& b) const
    {
        bool aIsNumber = false, bIsNumber = false;
        const double x = a.toDouble(&aIsNumber), y = b.toDouble(&bIsNumber);
        if (aIsNumber && bIsNumber && x != y)
            return x < y;
        return aIsNumber != bIsNumber ? aIsNumber : a < b;
    }
};

} // namespace

SweepPlot::SweepPlot(QWidget* parent) : QWidget(parent), m_plot(new QCustomPlot(this))
{
    setObjectName(QStringLiteral("sweepPlot"));
    setAccessibleName(tr("Throughput against p99"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setMinimumHeight(120);
    m_plot->xAxis->setLabel(tr("throughput, per second"));
    m_plot->yAxis->setLabel(tr("p99, ms"));
    m_plot->axisRect()->setAutoMargins(QCP::msLeft | QCP::msBottom);
    m_plot->axisRect()->setMargins(QMargins(0, 8, 14, 0));
    m_plot->setMouseTracking(true);
    m_plot->installEventFilter(this);
    draw();
}

void SweepPlot::setSweep(std::shared_ptr<const sweep::Sweep> sweep)
{
    m_sweep = std::move(sweep);
    m_selected.clear();
    draw();
}

void SweepPlot::setColoredBy(const std::string& parameter)
{
    m_coloredBy = parameter;
    draw();
}

void SweepPlot::setSelected(std::vector<std::size_t> points)
{
    m_selected = std::move(points);
    draw();
}

void SweepPlot::draw()
{
    const Theme& theme = Theme::forPalette(palette());
    m_plot->clearGraphs();
    stylePlot(*m_plot, theme, font());
    m_colors.clear();
    if (m_sweep) {
        double throughput = 0, p99 = 0;
        for (const sweep::Point& point : m_sweep->points)
            if (hasBoth(point)) {
                throughput = std::max(throughput, placeOf(point).x());
                p99 = std::max(p99, placeOf(point).y());
            }
        m_plot->xAxis->setRange(0, throughput > 0 ? throughput * kHeadroom : 1);
        m_plot->yAxis->setRange(0, p99 > 0 ? p99 * kHeadroom : 1);
        drawFront();
        drawPoints();
        drawSelection();
    }
    m_plot->replot(QCustomPlot::rpQueuedReplot);
    emit colorsChanged();
}

void SweepPlot::drawFront()
{
    QCPGraph* line = m_plot->addGraph();
    line->setPen(QPen(Theme::forPalette(palette()).weakText, 1.5));
    for (const std::size_t i : m_sweep->front)
        line->addData(placeOf(m_sweep->points[i]).x(), placeOf(m_sweep->points[i]).y());
}

void SweepPlot::drawPoints()
{
    const Theme& theme = Theme::forPalette(palette());
    std::map<QString, std::vector<const sweep::Point*>, ByValue> groups;
    for (const sweep::Point& point : m_sweep->points)
        if (hasBoth(point))
            groups[m_coloredBy.empty() ? QString() : valueOf(point, m_coloredBy)].push_back(&point);
    std::size_t number = 0;
    for (const auto& [value, points] : groups) {
        const QColor color = theme.series(number++);
        m_colors.emplace_back(value, color);
        for (const bool isHollow : {false, true}) {
            QCPGraph* graph = m_plot->addGraph();
            graph->setLineStyle(QCPGraph::lsNone);
            graph->setScatterStyle(
                QCPScatterStyle(QCPScatterStyle::ssCircle, QPen(color, 2), isHollow ? QBrush(theme.base) : QBrush(color), kPointSize));
            for (const sweep::Point* point : points)
                if (isMarked(*point) == isHollow)
                    graph->addData(placeOf(*point).x(), placeOf(*point).y());
        }
    }
}

void SweepPlot::drawSelection()
{
    QCPGraph* rings = m_plot->addGraph();
    rings->setLineStyle(QCPGraph::lsNone);
    rings->setScatterStyle(
        QCPScatterStyle(QCPScatterStyle::ssCircle, QPen(Theme::forPalette(palette()).text, 1.5), QBrush(Qt::NoBrush), kRingSize));
    for (const std::size_t i : m_selected)
        if (i < m_sweep->points.size() && hasBoth(m_sweep->points[i]))
            rings->addData(placeOf(m_sweep->points[i]).x(), placeOf(m_sweep->points[i]).y());
}

std::optional<QPoint> SweepPlot::positionOf(std::size_t point) const
{
    if (!m_sweep || point >= m_sweep->points.size() || !hasBoth(m_sweep->points[point]))
        return std::nullopt;
    const QPointF place = placeOf(m_sweep->points[point]);
    return m_plot->mapTo(this, QPointF(m_plot->xAxis->coordToPixel(place.x()), m_plot->yAxis->coordToPixel(place.y())).toPoint());
}

std::optional<std::size_t> SweepPlot::pointAt(const QPoint& position) const
{
    std::optional<std::size_t> nearest;
    double best = kReach;
    for (std::size_t i = 0; m_sweep && i < m_sweep->points.size(); ++i)
        if (const auto place = positionOf(i)) {
            const double distance = std::hypot(place->x() - position.x(), place->y() - position.y());
            if (distance <= best && (!nearest || distance < best)) {
                best = distance;
                nearest = i;
            }
        }
    return nearest;
}

QString SweepPlot::toolTipOf(std::size_t index) const
{
    const sweep::Point& point = m_sweep->points[index];
    QStringList lines{toQString(point.name)};
    const auto add = [&](Figure figure, const QString& title) {
        if (const auto& value = point.figures[figure])
            lines << QStringLiteral("%1 %2").arg(title, toQString(sweep::figureText(figure, *value)));
    };
    add(Figure::Throughput, tr("throughput"));
    add(Figure::P50, tr("p50"));
    add(Figure::P99, tr("p99"));
    add(Figure::AverageBatch, tr("mean batch"));
    add(Figure::GpuBusy, tr("GPU busy"));
    for (const std::string& remark : sweep::remarksOn(*m_sweep, index))
        lines << toQString(remark);
    if (m_sweep->isOnFront(index))
        lines << tr("on the front");
    if (point.trace.empty())
        lines << tr("no report to open");
    return lines.join(QLatin1Char('\n'));
}

bool SweepPlot::eventFilter(QObject* watched, QEvent* event)
{
    const bool isMouse =
        event->type() == QEvent::MouseMove || event->type() == QEvent::MouseButtonPress || event->type() == QEvent::MouseButtonDblClick;
    if (watched != m_plot || !isMouse)
        return QWidget::eventFilter(watched, event);
    const auto* mouse = static_cast<QMouseEvent*>(event);
    const auto point = pointAt(m_plot->mapTo(this, mouse->pos()));
    m_plot->setCursor(point ? Qt::PointingHandCursor : Qt::ArrowCursor);
    if (event->type() == QEvent::MouseMove) {
        if (point)
            QToolTip::showText(mouse->globalPosition().toPoint(),
                               toolTipOf(*point).toHtmlEscaped().replace(QLatin1Char('\n'), QStringLiteral("<br>")), m_plot);
        else
            QToolTip::hideText();
    } else if (point && mouse->button() == Qt::LeftButton) {
        if (event->type() == QEvent::MouseButtonDblClick)
            emit pointActivated(*point);
        else
            emit pointClicked(*point, mouse->modifiers().testFlag(Qt::ControlModifier));
    }
    return QWidget::eventFilter(watched, event);
}

void SweepPlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        draw();
}

} // namespace gantry::widgets
