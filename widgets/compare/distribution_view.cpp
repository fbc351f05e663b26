#include "widgets/compare/distribution_view.h"

#include "trace_model/analysis/change_text.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <array>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kMargin = 8;
constexpr std::array kShown = {analysis::Statistic::Median, analysis::Statistic::P95, analysis::Statistic::P99};

std::array<QColor, 2> sideColours(const Theme& theme)
{
    return {theme.series(0), theme.series(1)};
}

QString sideText(const QString& name, const analysis::RowSide& side, const std::string& unit)
{
    if (side.n == 0)
        return QObject::tr("%1: none").arg(name);
    QStringList parts = {QObject::tr("%1: n %2").arg(name, formatCount(side.n))};
    for (const analysis::Statistic statistic : kShown)
        parts << QStringLiteral("%1 %2").arg(toQString(analysis::name(statistic)), toQString(analysis::valueText(side[statistic], unit)));
    return parts.join(QStringLiteral(" · "));
}

/// From the shortest to the longer 99th percentile: the last values would leave no room for the others.
std::pair<float, float> extentOf(const std::vector<float>& a, const std::vector<float>& b)
{
    float low = INFINITY, high = -INFINITY;
    for (const auto* shape : {&a, &b})
        if (!shape->empty()) {
            low = std::min(low, shape->front());
            high = std::max(high, (*shape)[(shape->size() - 1) * 99 / 100]);
        }
    return {low, std::max(high, low + 1)};
}

} // namespace

DistributionView::DistributionView(QWidget* parent) : QWidget(parent)
{
    setObjectName(QStringLiteral("distribution"));
    setAccessibleName(tr("Distributions of the chosen row"));
}

void DistributionView::setRow(const std::optional<analysis::ComparisonRow>& row)
{
    m_row = row;
    update();
}

void DistributionView::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::forPalette(palette());
    QPainter painter(this);
    painter.fillRect(rect(), theme.base);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool hasShape = m_row && !(m_row->statistics.a.shape.empty() && m_row->statistics.b.shape.empty());
    if (!hasShape) {
        painter.setPen(theme.weakText);
        painter.drawText(rect().adjusted(kMargin, kMargin, -kMargin, -kMargin), Qt::AlignCenter | Qt::TextWordWrap,
                         m_row ? tr("%1 has no single values to draw.").arg(toQString(m_row->name)) : tr("Choose a row to see how its values are spread."));
        return;
    }
    const int line = fontMetrics().height() + 2;
    const auto colours = sideColours(theme);
    const std::array sides = {&m_row->statistics.a, &m_row->statistics.b};
    int y = 4;
    painter.setPen(theme.text);
    painter.drawText(QRect(kMargin, y, width() - 2 * kMargin, line), Qt::AlignLeft,
                     fontMetrics().elidedText(tr("%1: share that is no longer than …").arg(toQString(m_row->subject)), Qt::ElideMiddle, width() - 2 * kMargin));
    for (std::size_t side = 0; side < 2; ++side) {
        y += line;
        painter.fillRect(QRect(kMargin, y + line / 2 - 2, 12, 4), colours[side]);
        const QString text = sideText(side == 0 ? QStringLiteral("A") : QStringLiteral("B"), *sides[side], m_row->unit);
        painter.drawText(QRect(kMargin + 18, y, width() - 2 * kMargin - 18, line), Qt::AlignLeft | Qt::AlignVCenter,
                         fontMetrics().elidedText(text, Qt::ElideRight, width() - 2 * kMargin - 18));
    }
    y += line + 4;
    const int left = kMargin + fontMetrics().horizontalAdvance(QStringLiteral("100 %")) + 4;
    paintCurves(painter, QRect(left, y, width() - left - kMargin - 8, height() - y - line - 4));
}

void DistributionView::paintCurves(QPainter& painter, const QRect& plot) const
{
    if (plot.height() < 20 || plot.width() < 40)
        return;
    const Theme& theme = Theme::forPalette(palette());
    const auto [low, high] = extentOf(m_row->statistics.a.shape, m_row->statistics.b.shape);
    for (const double share : {0.0, 0.5, 1.0}) {
        const int y = plot.bottom() - static_cast<int>(share * plot.height());
        painter.setPen(theme.gridLine);
        painter.drawLine(plot.left(), y, plot.right(), y);
        painter.setPen(theme.weakText);
        painter.drawText(QRect(0, y - 10, plot.left() - 4, 20), Qt::AlignRight | Qt::AlignVCenter, QStringLiteral("%1 %").arg(share * 100));
    }
    const auto label = [&](double fraction, Qt::Alignment alignment) {
        const int x = plot.left() + static_cast<int>(fraction * plot.width());
        const QString text = toQString(analysis::valueText(low + fraction * (high - low), m_row->unit));
        painter.drawText(QRect(x - 60, plot.bottom() + 2, 120, 20), alignment | Qt::AlignTop, text);
    };
    label(0, Qt::AlignHCenter);
    if (plot.width() > 300)
        label(0.5, Qt::AlignHCenter);
    painter.drawText(QRect(plot.right() - 140, plot.bottom() + 2, 148, 20), Qt::AlignRight | Qt::AlignTop, toQString(analysis::valueText(high, m_row->unit)));
    const auto colours = sideColours(theme);
    const std::array sides = {&m_row->statistics.a.shape, &m_row->statistics.b.shape};
    painter.setClipRect(plot.adjusted(-1, -2, 1, 2));
    for (std::size_t side = 0; side < 2; ++side) {
        QPainterPath path;
        const std::vector<float>& shape = *sides[side];
        for (std::size_t i = 0; i < shape.size(); ++i) {
            const double x = plot.left() + plot.width() * static_cast<double>((shape[i] - low) / (high - low));
            const double y = plot.bottom() - plot.height() * (static_cast<double>(i) + 0.5) / static_cast<double>(shape.size());
            i == 0 ? path.moveTo(x, y) : path.lineTo(x, y);
        }
        painter.setPen(QPen(colours[side], 2, side == 0 ? Qt::DashLine : Qt::SolidLine));
        painter.drawPath(path);
    }
}

} // namespace gantry::widgets
