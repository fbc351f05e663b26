#include "widgets/plots/state_plot.h"

#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QSharedPointer>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace gantry::widgets {

namespace {

constexpr double kStripShare = 0.72; // of its row's height
constexpr int kTextPadding = 4;      // px
constexpr int kNameWidth = 110;

} // namespace

/// All strips of a plot.
class StatePlot::Strips : public QCPAbstractItem
{
public:
    Strips(QCustomPlot* plot, const StatePlot& view) : QCPAbstractItem(plot), m_view(view) { setSelectable(false); }

    [[nodiscard]] double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override
    {
        const Theme& theme = Theme::forPalette(m_view.palette());
        const std::vector<PlotCurve>& curves = m_view.panel().curves;
        painter->setFont(m_view.plot().xAxis->tickLabelFont());
        for (std::size_t i = 0; i < curves.size(); ++i)
            for (const Run& run : m_view.runsOf(curves[i]))
                paintRun(*painter, run, static_cast<double>(curves.size() - 1 - i), theme);
    }

private:
    void paintRun(QPainter& painter, const Run& run, double row, const Theme& theme) const
    {
        const QCPAxis& y = *m_view.plot().yAxis;
        const QRect area = m_view.plot().axisRect()->rect();
        const double top = y.coordToPixel(row + 0.5 + kStripShare / 2), bottom = y.coordToPixel(row + 0.5 - kStripShare / 2);
        const int left = std::max(area.left(), m_view.xOf(run.time.start)), right = std::min(area.right(), m_view.xOf(run.time.end));
        const QRectF strip(left, top, std::max(1, right - left), bottom - top);
        const QColor color = m_view.stateColor(run.value, theme);
        painter.fillRect(strip, color);
        const QString text = m_view.stateText(run.value);
        const QFontMetrics metrics(painter.font());
        if (metrics.horizontalAdvance(text) + 2 * kTextPadding > strip.width() || metrics.height() > strip.height() + 2)
            return;
        painter.setPen(Theme::textOn(color));
        painter.drawText(strip.adjusted(kTextPadding, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, text);
    }

    const StatePlot& m_view;
};

StatePlot::StatePlot(QWidget* parent) : TimePlot(parent), m_strips(new Strips(&plot(), *this))
{
    plot().yAxis->grid()->setVisible(false);
}

std::vector<StatePlot::Run> StatePlot::runsOf(const PlotCurve& curve) const
{
    std::vector<Run> runs;
    for (auto point = curve.points.begin(); point != curve.points.end(); ++point) {
        const auto next = std::next(point);
        // A value holds until the next one is measured; the last one for as long as it is of now.
        const bool isLast = next == curve.points.end();
        const TimestampNs until = isLast ? time().window.end : next->time;
        const bool isGap = time().isGap(point->time, until);
        const TimestampNs end = isGap ? point->time + 1 : until;
        if (!runs.empty() && runs.back().value == point->value && runs.back().time.end == point->time)
            runs.back().time.end = end;
        else
            runs.push_back({{point->time, end}, point->value});
    }
    return runs;
}

QString StatePlot::stateText(double value) const
{
    const auto named = panel().states.find(value);
    return named != panel().states.end() ? named->second : formatNumber(value, 3);
}

QColor StatePlot::stateColor(double value, const Theme& theme) const
{
    if (const PlotThreshold* reached = thresholdReached(panel().thresholds, value))
        return colorOf(*reached, theme);
    const auto named = panel().states.find(value);
    if (named != panel().states.end() && !panel().thresholds.empty())
        return theme.good; // thresholds tell which of the states are amiss
    if (named != panel().states.end())
        return theme.series(static_cast<std::size_t>(std::distance(panel().states.begin(), named)));
    return value == 0 ? theme.gridLine : theme.series(static_cast<std::size_t>(std::abs(std::llround(value))));
}

void StatePlot::draw(const Theme& theme)
{
    const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    const std::vector<PlotCurve>& curves = panel().curves;
    const QFontMetrics metrics(plot().yAxis->tickLabelFont());
    for (std::size_t i = 0; i < curves.size(); ++i)
        ticker->addTick(static_cast<double>(curves.size() - i) - 0.5, metrics.elidedText(curves[i].name, Qt::ElideMiddle, kNameWidth));
    plot().yAxis->setTicker(ticker);
    plot().yAxis->setRange(0, std::max<double>(1, static_cast<double>(curves.size())));
    showValues(theme);
    replot(theme);
}

void StatePlot::showValues(const Theme& theme)
{
    std::vector<LegendEntry> entries;
    for (const PlotCurve& curve : panel().curves) {
        std::optional<double> value = newestValue(curve);
        if (cursor()) {
            const metrics::Point* point = time().pointAt(curve.points, *cursor());
            value = point ? std::optional(point->value) : std::nullopt;
        }
        entries.push_back(
            {curve.name, value ? stateText(*value) : QStringLiteral("–"), value ? stateColor(*value, theme) : theme.gridLine, {}});
    }
    showEntries(std::move(entries));
}

} // namespace gantry::widgets
