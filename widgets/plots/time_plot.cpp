#include "widgets/plots/time_plot.h"

#include "widgets/plots/plot_style.h"
#include "widgets/theme/theme.h"

#include <QMouseEvent>
#include <QSharedPointer>
#include <QToolTip>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kLeftMargin = 48; // px: labels of five digits; plots above each other begin at the same place
constexpr int kLeastHeight = 110;
constexpr double kBandAlpha = 0.16;
constexpr int kNarrowestLabel = 36;          // px of a band that is named inside of it
constexpr double kLeastBand = 3;             // px: one that is shorter is seen all the same
constexpr std::size_t kMostBands = 200;      // of those in sight, the newest

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

/// Seconds between the ticks of an axis of so many seconds.
double tickStepOf(double seconds)
{
    for (const double step : {2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0})
        if (seconds <= step * 10)
            return step;
    return 1800;
}

/// From the top of the plot to its bottom, whatever its values.
void spanHeight(QCPItemPosition& position, double ratio)
{
    position.setTypeX(QCPItemPosition::ptPlotCoords);
    position.setTypeY(QCPItemPosition::ptAxisRectRatio);
    position.setCoords(0, ratio);
}

QCPItemLine* makeLine(QCustomPlot& plot, Qt::PenStyle style)
{
    auto* line = new QCPItemLine(&plot); // the plot owns it
    spanHeight(*line->start, 0);
    spanHeight(*line->end, 1);
    line->setPen(QPen(Qt::gray, 1, style));
    line->setLayer(QStringLiteral("overlay")); // has a buffer of its own: moving it paints nothing else anew
    line->setVisible(false);
    line->setSelectable(false);
    return line;
}

} // namespace

TimePlot::TimePlot(QWidget* parent)
    : PanelView(parent),
      m_plot(new QCustomPlot(this)),
      m_cursorLine(makeLine(*m_plot, Qt::SolidLine)),
      m_instantLine(makeLine(*m_plot, Qt::DashLine)),
      m_instantLabel(new QCPItemText(m_plot))
{
    m_plot->setMinimumHeight(kLeastHeight);
    m_plot->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    m_plot->xAxis->setTicker(QSharedPointer<SecondsTicker>::create());
    m_plot->xAxis2->setVisible(false);
    m_plot->axisRect()->setAutoMargins(QCP::msLeft | QCP::msBottom);
    m_plot->axisRect()->setMargins(QMargins(0, 6, 12, 0));
    m_plot->axisRect()->setMinimumMargins(QMargins(kLeftMargin, 0, 0, 0));
    m_plot->setNoAntialiasingOnDrag(true);
    // Segment by segment: as one path, the curves of a page took the thread four fifths of its time (live_plots_bench).
    m_plot->setPlottingHint(QCP::phFastPolylines);
    m_instantLabel->setLayer(QStringLiteral("overlay"));
    spanHeight(*m_instantLabel->position, 1);
    m_instantLabel->setPositionAlignment(Qt::AlignLeft | Qt::AlignBottom);
    m_instantLabel->setPadding(QMargins(4, 0, 4, 1));
    m_instantLabel->setVisible(false);
    m_plot->setMouseTracking(true);
    m_plot->installEventFilter(this);
    setBody(m_plot);
}

TimestampNs TimePlot::timeAt(int x) const
{
    return time().now + static_cast<TimestampNs>(std::llround(m_plot->xAxis->pixelToCoord(x) * 1e9));
}

int TimePlot::xOf(TimestampNs time) const
{
    return static_cast<int>(std::lround(m_plot->xAxis->coordToPixel(secondsOf(time))));
}

std::vector<const PlotBand*> TimePlot::bandsInSight() const
{
    std::vector<const PlotBand*> inSight;
    for (const PlotBand& band : m_bands)
        if (band.time.end > time().window.start && band.time.start < time().window.end)
            inSight.push_back(&band);
    return inSight;
}

std::optional<TimestampNs> TimePlot::instant() const
{
    return m_instant && time().window.contains(*m_instant) ? m_instant : std::nullopt;
}

QWidget* TimePlot::canvas() const
{
    return m_plot;
}

const PlotBand* TimePlot::bandAt(TimestampNs time) const
{
    // One that is drawn wider than it is can be met where it is drawn.
    const double perPixel = static_cast<double>(this->time().window.duration()) / std::max(1, m_plot->axisRect()->width());
    const PlotBand* found = nullptr;
    for (const PlotBand& band : m_bands) {
        const auto reach = static_cast<DurationNs>(std::max(0.0, (kLeastBand + 2) * perPixel - static_cast<double>(band.time.duration())) / 2);
        if (time >= band.time.start - reach && time < band.time.end + reach && (!found || band.time.duration() < found->time.duration()))
            found = &band;
    }
    return found;
}

void TimePlot::setBands(const std::vector<PlotBand>& bands)
{
    m_bands = bands;
}

void TimePlot::setCursor(std::optional<TimestampNs> time)
{
    if (m_cursor == time)
        return;
    m_cursor = time;
    const Theme& theme = Theme::forPalette(palette());
    placeLines(theme);
    showValues(theme);
    m_plot->layer(QStringLiteral("overlay"))->replot();
}

void TimePlot::setInstant(std::optional<TimestampNs> time, const QString& label)
{
    if (m_instant == time && m_instantText == label)
        return;
    m_instant = time;
    m_instantText = label;
    placeLines(Theme::forPalette(palette()));
    m_plot->layer(QStringLiteral("overlay"))->replot();
}

void TimePlot::placeLines(const Theme& theme)
{
    const auto place = [this](QCPItemLine& line, std::optional<TimestampNs> at, const QPen& pen) {
        line.setVisible(at && time().window.contains(*at));
        if (!line.visible())
            return;
        line.setPen(pen);
        line.start->setCoords(secondsOf(*at), 0);
        line.end->setCoords(secondsOf(*at), 1);
    };
    place(*m_cursorLine, m_cursor, QPen(theme.weakText, 1));
    place(*m_instantLine, m_instant, QPen(theme.accent, 1.4, Qt::DashLine));
    m_instantLabel->setVisible(m_instantLine->visible() && !m_instantText.isEmpty());
    if (!m_instantLabel->visible())
        return;
    const bool isAtEnd = secondsOf(*m_instant) > m_plot->xAxis->range().center();
    m_instantLabel->position->setCoords(secondsOf(*m_instant), 1);
    m_instantLabel->setPositionAlignment((isAtEnd ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignBottom);
    m_instantLabel->setText(m_instantText);
    m_instantLabel->setColor(theme.accent);
    m_instantLabel->setFont(m_plot->xAxis->tickLabelFont());
}

void TimePlot::showBand(Band& shown, const PlotBand& band, const Theme& theme)
{
    const double perPixel = m_plot->xAxis->range().size() / std::max(1, m_plot->axisRect()->width());
    double begin = secondsOf(band.time.start), end = secondsOf(band.time.end);
    if (const double missing = kLeastBand * perPixel - (end - begin); missing > 0) {
        begin -= missing / 2;
        end += missing / 2;
    }
    shown.area->topLeft->setCoords(begin, 0);
    shown.area->bottomRight->setCoords(end, 1);
    QColor fill = theme.accent;
    fill.setAlphaF(kBandAlpha);
    QColor edge = theme.accent;
    edge.setAlphaF(0.7);
    shown.area->setBrush(fill);
    shown.area->setPen(QPen(edge, 1, band.isUncertain ? Qt::DashLine : Qt::SolidLine));
    // Inside of the plot, where the band begins before it.
    const double left = std::max(begin, m_plot->xAxis->range().lower);
    const auto room = static_cast<int>((std::min(end, m_plot->xAxis->range().upper) - left) / perPixel) - 6;
    const QFont font = m_plot->xAxis->tickLabelFont();
    shown.label->setVisible(room >= kNarrowestLabel);
    shown.label->position->setCoords(left, 0);
    shown.label->setFont(font);
    shown.label->setColor(theme.text);
    shown.label->setText(QFontMetrics(font).elidedText(band.label, Qt::ElideRight, room));
}

void TimePlot::placeBands(const Theme& theme)
{
    std::vector<const PlotBand*> inSight = bandsInSight();
    if (inSight.size() > kMostBands)
        inSight.erase(inSight.begin(), inSight.end() - static_cast<std::ptrdiff_t>(kMostBands));
    while (m_shown.size() > inSight.size()) {
        m_plot->removeItem(m_shown.back().area);
        m_plot->removeItem(m_shown.back().label);
        m_shown.pop_back();
    }
    while (m_shown.size() < inSight.size()) {
        Band band{new QCPItemRect(m_plot), new QCPItemText(m_plot)};
        spanHeight(*band.area->topLeft, 0);
        spanHeight(*band.area->bottomRight, 1);
        spanHeight(*band.label->position, 0);
        band.area->setLayer(QStringLiteral("grid")); // behind the curves
        band.label->setPositionAlignment(Qt::AlignLeft | Qt::AlignTop);
        band.label->setPadding(QMargins(4, 1, 2, 0));
        m_shown.push_back(band);
    }
    for (std::size_t i = 0; i < inSight.size(); ++i)
        showBand(m_shown[i], *inSight[i], theme);
}

void TimePlot::replot(const Theme& theme)
{
    const double seconds = static_cast<double>(time().window.duration()) / 1e9;
    qSharedPointerCast<SecondsTicker>(m_plot->xAxis->ticker())->setTickStep(tickStepOf(seconds));
    const double end = secondsOf(time().window.end);
    m_plot->xAxis->setRange(end - seconds, end);
    placeBands(theme);
    placeLines(theme);
    m_plot->replot(); // now: a legend that is ahead of its curve is wrong
}

void TimePlot::applyTheme(const Theme& theme, const QFont& font)
{
    PanelView::applyTheme(theme, font);
    stylePlot(*m_plot, theme, font);
    m_plot->xAxis->grid()->setVisible(false);
    m_plot->replot(QCustomPlot::rpQueuedReplot);
}

bool TimePlot::isInside(const QPoint& point) const
{
    return m_plot->axisRect()->rect().contains(point);
}

void TimePlot::hover(const QPoint& point, const QPoint& globalPoint)
{
    if (!isInside(point)) {
        QToolTip::hideText();
        return emit cursorMoved(std::nullopt);
    }
    const TimestampNs at = timeAt(point.x());
    emit cursorMoved(at);
    const PlotBand* band = bandAt(at);
    m_plot->setCursor(band ? Qt::PointingHandCursor : Qt::ArrowCursor);
    if (band)
        QToolTip::showText(globalPoint, band->toolTip, m_plot);
    else
        QToolTip::hideText();
}

bool TimePlot::eventFilter(QObject* watched, QEvent* event)
{
    if (watched != m_plot)
        return PanelView::eventFilter(watched, event);
    switch (event->type()) {
    case QEvent::MouseMove: {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        hover(mouse->position().toPoint(), mouse->globalPosition().toPoint());
        break;
    }
    case QEvent::Leave:
        emit cursorMoved(std::nullopt);
        break;
    case QEvent::MouseButtonDblClick: {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        const QPoint point = mouse->position().toPoint();
        const TimestampNs at = timeAt(point.x());
        const PlotBand* band = isInside(point) && mouse->button() == Qt::LeftButton ? bandAt(at) : nullptr;
        if (band)
            emit bandActivated(QString(band->key), at); // a copy: what follows may set others
        break;
    }
    case QEvent::ContextMenu: {
        const auto* wanted = static_cast<QContextMenuEvent*>(event);
        const TimestampNs at = timeAt(wanted->pos().x());
        const PlotBand* band = isInside(wanted->pos()) ? bandAt(at) : nullptr;
        emit menuRequested(wanted->globalPos(), at, band ? band->key : QString());
        return true;
    }
    default:
        break;
    }
    return PanelView::eventFilter(watched, event);
}

} // namespace gantry::widgets
