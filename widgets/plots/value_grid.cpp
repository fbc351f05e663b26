#include "widgets/plots/value_grid.h"

#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kTileWidth = 150, kTileGap = 12; // px, the least
constexpr int kGaugeHeight = 5;
constexpr int kBarHeight = 22, kThinnestBar = 12;
constexpr int kValueWidth = 76, kMostName = 170;
constexpr double kLargeText = 1.9; // of the font

} // namespace

/// Paints what the panel has.
class ValueGrid::Canvas : public QWidget
{
public:
    explicit Canvas(ValueGrid& view) : QWidget(&view), m_view(view)
    {
        setMinimumHeight(70);
        setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    }

protected:
    void paintEvent(QPaintEvent*) override
    {
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        const Theme& theme = Theme::forPalette(palette());
        if (m_view.panel().curves.empty())
            return;
        m_view.panel().kind == metrics::PanelKind::Bar ? paintBars(painter, theme) : paintTiles(painter, theme);
    }

    bool event(QEvent* event) override
    {
        if (event->type() != QEvent::ToolTip)
            return QWidget::event(event);
        const auto* at = static_cast<QHelpEvent*>(event);
        QToolTip::showText(at->globalPos(), m_view.legendText(), this);
        return true;
    }

private:
    /// Largest value that a gauge or bar reaches to.
    [[nodiscard]] double top() const
    {
        const PlotPanel& panel = m_view.panel();
        if (panel.atMost > 0)
            return panel.atMost;
        double most = std::max(panel.atLeast, 0.0);
        for (const PlotCurve& curve : panel.curves)
            most = std::max(most, m_view.newestValue(curve).value_or(0));
        return most > 0 ? most : 1;
    }

    [[nodiscard]] QColor levelColor(std::optional<double> value, const QColor& otherwise, const Theme& theme) const
    {
        const PlotThreshold* reached = value ? thresholdReached(m_view.panel().thresholds, *value) : nullptr;
        return reached ? colorOf(*reached, theme) : otherwise;
    }

    void paintTiles(QPainter& painter, const Theme& theme) const
    {
        const auto count = static_cast<int>(m_view.panel().curves.size());
        const int columns = std::clamp(width() / kTileWidth, 1, count), rows = (count + columns - 1) / columns;
        for (int i = 0; i < count; ++i) {
            const int tileWidth = width() / columns, tileHeight = height() / rows;
            const QRect tile(i % columns * tileWidth, i / columns * tileHeight, tileWidth - kTileGap, tileHeight - 6);
            paintTile(painter, tile, m_view.panel().curves[static_cast<std::size_t>(i)], static_cast<std::size_t>(i), theme);
        }
    }

    void paintTile(QPainter& painter, const QRect& tile, const PlotCurve& curve, std::size_t index, const Theme& theme) const
    {
        const auto value = m_view.newestValue(curve);
        const QColor color = colorOf(curve, index, theme);
        QFont large = font();
        large.setPointSizeF(font().pointSizeF() * kLargeText);
        large.setBold(true);
        QRect rest = tile;
        painter.setFont(font());
        painter.setPen(theme.weakText);
        painter.drawText(rest, Qt::AlignLeft | Qt::AlignTop, fontMetrics().elidedText(curve.name, Qt::ElideMiddle, rest.width()));
        rest.setTop(rest.top() + fontMetrics().height());
        painter.setFont(large);
        painter.setPen(levelColor(value, theme.text, theme));
        const QString text = value ? formatNumber(*value, 3) : QStringLiteral("–");
        painter.drawText(rest, Qt::AlignLeft | Qt::AlignTop, text);
        const int after = QFontMetrics(large).horizontalAdvance(text) + 5;
        const int lineHeight = QFontMetrics(large).height();
        painter.setFont(font());
        painter.setPen(theme.weakText);
        painter.drawText(QRect(rest.left() + after, rest.top(), rest.width() - after,
                               lineHeight - QFontMetrics(large).descent() + fontMetrics().descent()),
                         Qt::AlignLeft | Qt::AlignBottom, m_view.panel().unit);
        rest.setTop(rest.top() + lineHeight + 2);
        if (m_view.panel().atMost > 0) {
            paintGauge(painter, QRect(rest.left(), rest.top(), rest.width(), kGaugeHeight), value, levelColor(value, color, theme), theme);
            rest.setTop(rest.top() + kGaugeHeight + 4);
        }
        if (rest.height() >= 10)
            paintSparkline(painter, rest, curve, color);
    }

    void paintGauge(QPainter& painter, const QRect& area, std::optional<double> value, const QColor& color, const Theme& theme) const
    {
        painter.setPen(Qt::NoPen);
        painter.setBrush(theme.gridLine);
        painter.drawRoundedRect(area, 2, 2);
        const double ratio = std::clamp(value.value_or(0) / top(), 0.0, 1.0);
        painter.setBrush(color);
        painter.drawRoundedRect(QRectF(area.left(), area.top(), area.width() * ratio, area.height()), 2, 2);
        for (const PlotThreshold& threshold : m_view.panel().thresholds) {
            const double at = threshold.value / top();
            if (at > 0 && at < 1)
                painter.fillRect(QRectF(area.left() + at * area.width() - 0.5, area.top() - 2, 1.5, area.height() + 4),
                                 colorOf(threshold, theme));
        }
    }

    void paintSparkline(QPainter& painter, const QRect& area, const PlotCurve& curve, const QColor& color) const
    {
        const PlotTime& time = m_view.time();
        double most = m_view.panel().atMost > 0 ? m_view.panel().atMost : m_view.panel().atLeast;
        if (m_view.panel().atMost <= 0)
            for (const metrics::Point& point : curve.points)
                most = std::max(most, point.value);
        if (most <= 0)
            most = 1;
        QPainterPath path;
        TimestampNs before = 0;
        for (const metrics::Point& point : curve.points) {
            const double x = area.left() + static_cast<double>(point.time - time.window.start) /
                                               static_cast<double>(time.window.duration()) * area.width();
            const double y = area.bottom() - std::clamp(point.value / most, 0.0, 1.0) * (area.height() - 2);
            path.elementCount() == 0 || time.isGap(before, point.time) ? path.moveTo(x, y) : path.lineTo(x, y);
            before = point.time;
        }
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(color, 1.3));
        painter.drawPath(path);
    }

    void paintBars(QPainter& painter, const Theme& theme) const
    {
        const std::vector<PlotCurve>& curves = m_view.panel().curves;
        const int shown = std::max(1, std::min<int>(static_cast<int>(curves.size()), height() / kThinnestBar));
        const int step = std::min(kBarHeight, height() / shown);
        int nameWidth = 0;
        for (const PlotCurve& curve : curves)
            nameWidth = std::max(nameWidth, fontMetrics().horizontalAdvance(curve.name));
        nameWidth = std::min({nameWidth, kMostName, width() / 3}) + 8;
        for (int i = 0; i < shown; ++i) {
            const PlotCurve& curve = curves[static_cast<std::size_t>(i)];
            const auto value = m_view.newestValue(curve);
            const QRect line(0, i * step, width(), step);
            painter.setPen(theme.text);
            painter.drawText(QRect(0, line.top(), nameWidth - 8, step), Qt::AlignLeft | Qt::AlignVCenter,
                             fontMetrics().elidedText(curve.name, Qt::ElideMiddle, nameWidth - 8));
            const QRect bar(nameWidth, line.top() + 3, width() - nameWidth - kValueWidth, step - 6);
            paintGauge(painter, bar, value, levelColor(value, colorOf(curve, static_cast<std::size_t>(i), theme), theme), theme);
            painter.setPen(levelColor(value, theme.text, theme));
            painter.drawText(QRect(width() - kValueWidth + 6, line.top(), kValueWidth - 6, step), Qt::AlignLeft | Qt::AlignVCenter,
                             value ? formatNumber(*value, 3) : QStringLiteral("–"));
        }
        if (const auto left = static_cast<int>(curves.size()) - shown; left > 0) {
            painter.setPen(theme.weakText);
            painter.drawText(rect(), Qt::AlignRight | Qt::AlignBottom, ValueGrid::tr("+%1 more").arg(left));
        }
    }

    ValueGrid& m_view;
};

ValueGrid::ValueGrid(QWidget* parent) : PanelView(parent), m_canvas(new Canvas(*this))
{
    setBody(m_canvas);
}

ValueGrid::~ValueGrid() = default;

void ValueGrid::draw(const Theme& theme)
{
    showLegend(theme, std::nullopt, Legend::Hidden);
    m_canvas->update();
}

void ValueGrid::applyTheme(const Theme& theme, const QFont& font)
{
    PanelView::applyTheme(theme, font);
    m_canvas->update();
}

} // namespace gantry::widgets
