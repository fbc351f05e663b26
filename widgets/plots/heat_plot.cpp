#include "widgets/plots/heat_plot.h"

#include "trace_model/metrics/histogram.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QSharedPointer>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gantry::widgets {

namespace {

constexpr int kMostColumns = 240;
constexpr DurationNs kShortestColumn = 250'000'000; // scrapes are no closer
constexpr int kLabelHeight = 16;                    // px of a row's label
constexpr double kFaintest = 0.12;                  // the smallest value that is not 0: seen, and not absent

QCPColorGradient gradientOf(const Theme& theme)
{
    const auto mixed = [&](double share) {
        const QColor a = theme.base, b = theme.accent;
        const auto mix = [share](int from, int to) { return static_cast<int>(from + (to - from) * share); };
        return QColor(mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue()));
    };
    QCPColorGradient gradient;
    gradient.setColorStops({{0, mixed(kFaintest / 3)}, {1e-6, mixed(kFaintest)}, {0.6, theme.accent}, {1, theme.warning}});
    gradient.setNanHandling(QCPColorGradient::nhTransparent);
    return gradient;
}

} // namespace

HeatPlot::HeatPlot(QWidget* parent) : TimePlot(parent), m_map(new QCPColorMap(plot().xAxis, plot().yAxis))
{
    m_map->setInterpolate(false);
    m_map->setTightBoundary(true);
    plot().yAxis->grid()->setVisible(false);
}

void HeatPlot::sortRows()
{
    m_rows.clear();
    const std::vector<PlotCurve>& curves = panel().curves;
    m_isHistogram =
        !curves.empty() && std::all_of(curves.begin(), curves.end(), [](const PlotCurve& curve) { return curve.upperBound.has_value(); });
    for (const PlotCurve& curve : curves)
        m_rows.push_back(&curve);
    if (m_isHistogram)
        std::stable_sort(m_rows.begin(), m_rows.end(),
                         [](const PlotCurve* a, const PlotCurve* b) { return *a->upperBound < *b->upperBound; });
    // Buckets of several histograms are no one histogram: each is a row of its own.
    m_isHistogram = m_isHistogram && std::adjacent_find(m_rows.begin(), m_rows.end(), [](const PlotCurve* a, const PlotCurve* b) {
                                         return *a->upperBound == *b->upperBound;
                                     }) == m_rows.end();
    if (!m_isHistogram)
        std::reverse(m_rows.begin(), m_rows.end()); // the first one is on top
}

/// Buckets that nothing fell into, at both ends, leave their room to the others.
void HeatPlot::cropRows()
{
    m_below.assign(m_rows.size(), nullptr);
    for (std::size_t row = 1; m_isHistogram && row < m_rows.size(); ++row)
        m_below[row] = m_rows[row - 1];
    if (!m_isHistogram)
        return;
    std::size_t first = m_rows.size(), last = 0;
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const auto isAnyIn = [&](const metrics::Point& point) { return valueAt(row, point.time).value_or(0) > 0; };
        if (std::any_of(m_rows[row]->points.begin(), m_rows[row]->points.end(), isAnyIn)) {
            first = std::min(first, row);
            last = row;
        }
    }
    if (first > last) // nothing at all
        return;
    // One more at each end: what is at the edge is seen to be the edge.
    first = first > 0 ? first - 1 : 0;
    last = std::min(last + 1, m_rows.size() - 1);
    const auto crop = [&](auto& list) {
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(last) + 1, list.end());
        list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(first));
    };
    crop(m_rows);
    crop(m_below);
}

std::optional<double> HeatPlot::valueAt(std::size_t row, TimestampNs at) const
{
    const metrics::Point* point = row < m_rows.size() ? time().pointAt(m_rows[row]->points, at) : nullptr;
    if (!point)
        return std::nullopt;
    if (!m_below[row])
        return point->value;
    // What a server counts is cumulative: in a bucket are those that are in no smaller one.
    const metrics::Point* below = time().pointAt(m_below[row]->points, at);
    return below ? std::optional(std::max(0.0, point->value - below->value)) : std::nullopt;
}

std::map<double, double> HeatPlot::countsAt(TimestampNs at) const
{
    std::map<double, double> counts;
    for (const PlotCurve& curve : panel().curves)
        if (const metrics::Point* point = curve.upperBound ? time().pointAt(curve.points, at) : nullptr)
            counts[*curve.upperBound] = point->value;
    return counts;
}

void HeatPlot::fillCells()
{
    const TimeRange window = time().window;
    const auto columns = static_cast<int>(std::clamp<DurationNs>(window.duration() / kShortestColumn, 1, kMostColumns));
    const auto rows = static_cast<int>(m_rows.size());
    m_map->data()->setSize(columns, rows);
    const DurationNs step = window.duration() / columns;
    // A range from the middle of the first cell to that of the last one.
    m_map->data()->setRange(QCPRange(secondsOf(window.start + step / 2), secondsOf(window.end - step / 2)), QCPRange(0.5, rows - 0.5));
    double most = 0;
    for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column) {
            const auto value = valueAt(static_cast<std::size_t>(row), window.start + step * column + step / 2);
            m_map->data()->setCell(column, row, value.value_or(std::numeric_limits<double>::quiet_NaN()));
            most = std::max(most, value.value_or(0));
        }
    m_map->setDataRange(QCPRange(0, panel().atMost > 0 ? panel().atMost : most > 0 ? most : 1));
}

void HeatPlot::labelRows()
{
    const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    const auto rows = static_cast<int>(m_rows.size());
    const int room = std::max(1, plot().axisRect()->height() / kLabelHeight);
    const int every = std::max(1, (rows + room - 1) / room);
    for (int row = 0; row < rows; ++row) {
        if (row % every != 0)
            continue;
        const PlotCurve& curve = *m_rows[static_cast<std::size_t>(row)];
        if (!m_isHistogram)
            ticker->addTick(row + 0.5, plot().fontMetrics().elidedText(curve.name, Qt::ElideMiddle, 90));
        else // at the upper edge of its bucket
            ticker->addTick(row + 1, std::isinf(*curve.upperBound) ? QStringLiteral("∞") : formatNumber(*curve.upperBound, 2));
    }
    plot().yAxis->setTicker(ticker);
    plot().yAxis->setRange(0, std::max(1, rows));
}

void HeatPlot::draw(const Theme& theme)
{
    sortRows();
    cropRows();
    m_map->setVisible(!m_rows.empty());
    if (!m_rows.empty())
        fillCells();
    m_map->setGradient(gradientOf(theme));
    labelRows();
    showValues(theme);
    replot(theme);
}

void HeatPlot::showValues(const Theme& theme)
{
    if (!m_isHistogram)
        return showLegend(theme, cursor(), Legend::Hidden);
    // The newest scrape is a moment behind the end of the window.
    TimestampNs at = cursor().value_or(time().window.end - 1);
    if (!cursor())
        for (const PlotCurve* row : m_rows)
            if (!row->points.empty())
                at = std::min(at, std::max(row->points.back().time, time().window.end - time().longestGap));
    const auto counts = countsAt(at);
    std::vector<LegendEntry> entries;
    for (const auto& [name, quantile] : {std::pair(tr("median"), 0.5), std::pair(tr("p99"), 0.99)}) {
        const auto value = metrics::histogramQuantile(counts, quantile);
        const PlotThreshold* reached = value ? thresholdReached(panel().thresholds, value->value) : nullptr;
        entries.push_back({name, value ? formatNumber(value->value, 3) : QStringLiteral("–"), theme.accent,
                           reached ? colorOf(*reached, theme) : QColor()});
    }
    entries.push_back({tr("per s"), counts.empty() ? QStringLiteral("–") : formatNumber(counts.rbegin()->second, 3), theme.weakText, {}});
    showEntries(std::move(entries));
}

void HeatPlot::applyTheme(const Theme& theme, const QFont& font)
{
    m_map->setGradient(gradientOf(theme));
    TimePlot::applyTheme(theme, font);
}

} // namespace gantry::widgets
