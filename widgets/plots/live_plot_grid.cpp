#include "widgets/plots/live_plot_grid.h"

#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QFrame>
#include <QGridLayout>
#include <QLabel>
#include <QSharedPointer>
#include <QStringList>
#include <QVBoxLayout>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace gantry::widgets {

namespace {

constexpr int kColumns = 2;
constexpr double kHeadroom = 1.12; // above the highest point
constexpr double kRoomForTheLine = 1.02;
constexpr double kRoomToShrink = 0.4; // an axis whose curves need less of it becomes shorter
constexpr int kLeftMargin = 48;       // px: labels of five digits; plots above each other begin at the same place
constexpr double kAreaAlpha = 0.35;
constexpr DurationNs kLongestApart = 2'000'000'000; // values of two servers that stand on each other
constexpr int kLegendDigits = 3; // a value that changes ten times a second is read no further

/// "−10 s", "−5 min", "now".
class SecondsTicker : public QCPAxisTickerFixed
{
protected:
    QString getTickLabel(double tick, const QLocale&, QChar, int) override
    {
        const auto seconds = static_cast<int>(std::lround(tick));
        if (seconds == 0)
            return QObject::tr("now");
        return seconds % 60 == 0 && tickStep() >= 60 ? QStringLiteral("−%1 min").arg(-seconds / 60) : QStringLiteral("−%1 s").arg(-seconds);
    }
};

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

/// Seconds between the ticks of an axis of so many seconds.
double tickStepOf(double seconds)
{
    for (const double step : {2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0})
        if (seconds <= step * 10)
            return step;
    return 1800;
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

/// Where curves end and begin again.
struct Gaps
{
    DurationNs longest;                     ///< between two points of one piece
    const std::vector<TimestampNs>& breaks; ///< that no piece goes over, oldest first

    [[nodiscard]] bool isBetween(TimestampNs before, TimestampNs after) const
    {
        if (after - before > longest)
            return true;
        const auto next = std::upper_bound(breaks.begin(), breaks.end(), before);
        return next != breaks.end() && *next <= after;
    }
};

} // namespace

/// One plot with its title line.
class LivePlotGrid::Plot
{
public:
    explicit Plot(QWidget* parent) :
        m_frame(new QFrame(parent)),
        m_title(new QLabel(m_frame)),
        m_legend(new QLabel(m_frame)),
        m_plot(new QCustomPlot(m_frame))
    {
        m_frame->setObjectName(QStringLiteral("plotFrame"));
        m_plot->setMinimumHeight(110);
        m_plot->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
        m_plot->xAxis->setTicker(QSharedPointer<SecondsTicker>::create());
        m_plot->yAxis->setTicker(QSharedPointer<ValueTicker>::create());
        m_plot->xAxis2->setVisible(false);
        m_plot->axisRect()->setAutoMargins(QCP::msLeft | QCP::msBottom);
        m_plot->axisRect()->setMargins(QMargins(0, 6, 12, 0));
        m_plot->axisRect()->setMinimumMargins(QMargins(kLeftMargin, 0, 0, 0));
        m_plot->setNoAntialiasingOnDrag(true);
        QFont font = m_title->font();
        font.setBold(true);
        m_title->setFont(font);
        m_legend->setTextFormat(Qt::RichText);
        m_legend->setWordWrap(true);
        auto* head = new QHBoxLayout;
        head->addWidget(m_title, 0, Qt::AlignTop);
        head->addSpacing(10);
        head->addWidget(m_legend, 1, Qt::AlignTop);
        auto* column = new QVBoxLayout(m_frame);
        column->setContentsMargins(10, 6, 4, 4);
        column->setSpacing(2);
        column->addLayout(head);
        column->addWidget(m_plot, 1);
    }

    ~Plot() { delete m_frame; }
    Plot(const Plot&) = delete;
    Plot& operator=(const Plot&) = delete;

    [[nodiscard]] QWidget* widget() const { return m_frame; }
    [[nodiscard]] QString legendText() const { return m_legendText; }

    void draw(const PlotPanel& panel, TimeRange window, TimestampNs now, const Gaps& gaps, const Theme& theme)
    {
        m_title->setText(panel.unit.isEmpty() ? panel.title : QStringLiteral("%1, %2").arg(panel.title, panel.unit));
        m_title->setToolTip(panel.help);
        m_isStacked = panel.isStacked;
        setThresholds(panel.thresholds, theme);
        std::vector<metrics::Point> below;
        while (m_plot->graphCount() > static_cast<int>(panel.curves.size()))
            m_plot->removeGraph(m_plot->graphCount() - 1);
        m_entries.clear();
        QStringList plain;
        double most = panel.atLeast;
        for (std::size_t i = 0; i < panel.curves.size(); ++i) {
            const PlotCurve& curve = panel.curves[i];
            QCPGraph* graph = static_cast<int>(i) < m_plot->graphCount() ? m_plot->graph(static_cast<int>(i)) : m_plot->addGraph();
            if (panel.isStacked)
                below = i == 0 ? curve.points : stackedOn(below, curve.points);
            most = std::max(most, setPoints(*graph, panel.isStacked ? below : curve.points, now, gaps) * kHeadroom);
            const metrics::Point& newest = curve.points.back();
            const bool isOld = window.end - newest.time > gaps.longest; // it has ended: what it was is no value of now
            const QString value = isOld ? QStringLiteral("–") : formatNumber(newest.value, kLegendDigits);
            m_entries.push_back({curve.name, value, curve.phase, isOld ? nullptr : levelOf(newest.value, m_thresholds)});
            plain << QStringLiteral("%1 %2 %3").arg(curve.name, value, panel.unit);
        }
        colorCurves(theme);
        m_legend->setToolTip(plain.join(QLatin1Char('\n')));
        m_legendText = plain.join(QLatin1Char('\n'));
        const double seconds = static_cast<double>(window.duration()) / 1e9;
        qSharedPointerCast<SecondsTicker>(m_plot->xAxis->ticker())->setTickStep(tickStepOf(seconds));
        const double end = static_cast<double>(window.end - now) / 1e9;
        m_plot->xAxis->setRange(end - seconds, end);
        // It grows at once, and shrinks late: curves around a step of roundedUp() would make it jump to and fro.
        if (most > m_top || most < m_top * kRoomToShrink)
            m_top = roundedUp(most);
        m_plot->yAxis->setRange(0, panel.atMost > 0 ? panel.atMost * kRoomForTheLine : m_top);
        m_plot->replot(); // now: a legend that is ahead of its curve is wrong
    }

    void applyTheme(const Theme& theme, const QFont& font)
    {
        m_frame->setStyleSheet(QStringLiteral("QFrame#plotFrame { background: %1; border: 1px solid %2; border-radius: 4px; }").arg(theme.base.name(), theme.border.name()));
        m_plot->setBackground(QBrush(theme.base));
        colorCurves(theme);
        QFont small = font;
        small.setPointSizeF(font.pointSizeF() * 0.85);
        for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis}) {
            axis->setBasePen(QPen(theme.border));
            axis->setTickPen(QPen(theme.border));
            axis->setSubTickPen(Qt::NoPen);
            axis->setTickLabelColor(theme.weakText);
            axis->setTickLabelFont(small);
            axis->grid()->setPen(QPen(theme.gridLine));
            axis->grid()->setZeroLinePen(QPen(theme.gridLine));
            axis->setTickLengthIn(0);
            axis->setTickLengthOut(3);
        }
        m_plot->xAxis->grid()->setVisible(false);
        m_plot->replot(QCustomPlot::rpQueuedReplot);
    }

private:
    /// What the legend says of a curve.
    struct Entry
    {
        QString name, value;
        std::optional<records::RequestPhase> phase;
        const PlotThreshold* beyond = nullptr; ///< the highest that the value has reached
    };

    static const PlotThreshold* levelOf(double value, const std::vector<PlotThreshold>& thresholds)
    {
        const PlotThreshold* reached = nullptr;
        for (const PlotThreshold& threshold : thresholds)
            if (value >= threshold.value)
                reached = &threshold;
        return reached;
    }

    static QColor colorOf(const PlotThreshold& threshold, const Theme& theme) { return threshold.isCritical ? theme.bad : theme.warning; }

    void setThresholds(const std::vector<PlotThreshold>& thresholds, const Theme& theme)
    {
        m_plot->clearItems();
        m_thresholds = thresholds;
        for (const PlotThreshold& threshold : m_thresholds) {
            auto* line = new QCPItemStraightLine(m_plot); // the plot owns it
            line->setPen(QPen(colorOf(threshold, theme), 1, Qt::DashLine));
            line->point1->setCoords(0, threshold.value);
            line->point2->setCoords(1, threshold.value);
        }
    }

    /// Curves and their legend in the colours of a theme.
    void colorCurves(const Theme& theme)
    {
        QStringList legend;
        for (std::size_t i = 0; i < m_entries.size(); ++i) {
            const Entry& entry = m_entries[i];
            const QColor color = entry.phase ? theme.phase(*entry.phase) : theme.series(i);
            QCPGraph* graph = m_plot->graph(static_cast<int>(i));
            graph->setPen(QPen(color, 1.6));
            QColor area = color;
            area.setAlphaF(kAreaAlpha);
            graph->setBrush(m_isStacked ? QBrush(area) : QBrush(Qt::NoBrush));
            graph->setChannelFillGraph(m_isStacked && i > 0 ? m_plot->graph(static_cast<int>(i) - 1) : nullptr);
            const QString value =
                entry.beyond ? QStringLiteral("<span style='color:%1'>%2</span>").arg(colorOf(*entry.beyond, theme).name(), entry.value)
                             : entry.value;
            legend << QStringLiteral("<span style='color:%1'>●</span>&nbsp;%2&nbsp;<b>%3</b>")
                          .arg(color.name(), entry.name.toHtmlEscaped(), value);
        }
        m_legend->setText(legend.isEmpty() ? QObject::tr("waiting for samples") : legend.join(QStringLiteral(" &nbsp; ")));
    }

    /// Seconds before now against values, NaN where there was a gap. Returns the largest value.
    static double setPoints(QCPGraph& graph, const std::vector<metrics::Point>& points, TimestampNs now, const Gaps& gaps)
    {
        QVector<double> x, y;
        double most = 0;
        for (std::size_t i = 0; i < points.size(); ++i) {
            const double seconds = static_cast<double>(points[i].time - now) / 1e9;
            if (i > 0 && gaps.isBetween(points[i - 1].time, points[i].time)) {
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

    QFrame* m_frame;
    QLabel* m_title;
    QLabel* m_legend;
    QCustomPlot* m_plot;
    std::vector<PlotThreshold> m_thresholds;
    std::vector<Entry> m_entries; ///< one for each graph
    bool m_isStacked = false;
    QString m_legendText;
    double m_top = 0; ///< of the axis; 0: there is none yet
};

LivePlotGrid::LivePlotGrid(QWidget* parent) :
    QWidget(parent),
    m_grid(new QGridLayout(this))
{
    setObjectName(QStringLiteral("livePlots"));
    m_grid->setContentsMargins(8, 8, 8, 4);
    m_grid->setSpacing(8);
    for (int column = 0; column < kColumns; ++column)
        m_grid->setColumnStretch(column, 1);
}

LivePlotGrid::~LivePlotGrid() = default;

void LivePlotGrid::setPanels(const std::vector<PlotPanel>& panels, TimeRange window, DurationNs longestGap,
                             const std::vector<TimestampNs>& breaks, std::optional<TimestampNs> now)
{
    std::vector<QString> order;
    for (const PlotPanel& panel : panels)
        order.push_back(panel.key);
    if (order != m_order) {
        // Panels come and go with the hardware of the node: laid out anew, plots that stay keep their curves.
        m_order = order;
        std::erase_if(m_plots, [&](const auto& entry) { return std::find(order.begin(), order.end(), entry.first) == order.end(); });
        while (QLayoutItem* item = m_grid->takeAt(0))
            delete item;
        // A row that stretches takes its share of the height even when nothing is in it.
        for (int row = 0; row < m_grid->rowCount(); ++row)
            m_grid->setRowStretch(row, 0);
        for (std::size_t i = 0; i < order.size(); ++i) {
            auto& plot = m_plots[order[i]];
            if (!plot)
                plot = std::make_unique<Plot>(this);
            // An odd last one takes the whole row.
            const bool isWide = i + 1 == order.size() && order.size() % kColumns == 1;
            m_grid->addWidget(plot->widget(), static_cast<int>(i) / kColumns, static_cast<int>(i) % kColumns, 1, isWide ? kColumns : 1);
            m_grid->setRowStretch(static_cast<int>(i) / kColumns, 1);
            plot->widget()->show();
        }
        applyTheme();
    }
    const Theme& theme = Theme::forPalette(palette());
    for (const PlotPanel& panel : panels)
        m_plots[panel.key]->draw(panel, window, now.value_or(window.end), {longestGap, breaks}, theme);
}

QString LivePlotGrid::legendText(const QString& key) const
{
    const auto found = m_plots.find(key);
    return found == m_plots.end() ? QString() : found->second->legendText();
}

void LivePlotGrid::applyTheme()
{
    const Theme& theme = Theme::forPalette(palette());
    for (const auto& [key, plot] : m_plots)
        plot->applyTheme(theme, font());
}

void LivePlotGrid::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        applyTheme();
}

} // namespace gantry::widgets
