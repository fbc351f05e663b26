#include "widgets/compare/waterfall_view.h"

#include "trace_model/analysis/change_text.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QHelpEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kMargin = 8, kValueWidth = 90;
constexpr std::size_t kMostInside = 6; // of a phase: the largest

using analysis::WaterfallStep;

QString signedText(double ns)
{
    const QString sign = ns > 0 ? QStringLiteral("+") : ns < 0 ? QStringLiteral("−") : QString();
    return sign + toQString(analysis::valueText(std::abs(ns), "ns"));
}

struct Scale
{
    double low = 0, high = 1;
    int left = 0, width = 1;
    [[nodiscard]] double x(double value) const { return left + width * (std::clamp(value, low, high) - low) / (high - low); }
};

Scale scaleOf(const std::vector<WaterfallView::Bar>& bars, int left, int width)
{
    Scale scale{bars.front().to, bars.front().to, left, std::max(width, 1)};
    for (const WaterfallView::Bar& bar : bars) {
        scale.low = std::min({scale.low, bar.to, bar.isTotal ? bar.to : bar.from});
        scale.high = std::max({scale.high, bar.from, bar.to});
    }
    // Totals begin at the edge: of a small change to a long latency there would be nothing to see from 0 on.
    const double margin = std::max((scale.high - scale.low) * 0.15, std::abs(scale.high) * 0.01 + 1);
    scale.low = std::max(0.0, scale.low - margin);
    scale.high += margin;
    return scale;
}

} // namespace

WaterfallView::WaterfallView(QWidget* parent) : QAbstractScrollArea(parent)
{
    setObjectName(QStringLiteral("waterfall"));
    setAccessibleName(tr("Where the latency went"));
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
}

void WaterfallView::setWaterfall(const std::optional<analysis::LatencyWaterfall>& waterfall)
{
    m_bars.clear();
    if (waterfall) {
        const auto total = [](double ns) { return toQString(analysis::valueText(ns, "ns")); };
        m_bars.push_back({tr("A, mean latency"), total(waterfall->a), 0, waterfall->a, 0, true});
        double at = waterfall->a, insideAt = at;
        std::size_t inside = 0;
        for (const WaterfallStep& step : waterfall->steps) {
            const bool isPhase = step.of == WaterfallStep::Of::Phase;
            inside = isPhase ? 0 : inside + 1;
            if (inside > kMostInside)
                continue;
            double& from = isPhase ? at : insideAt;
            if (isPhase)
                insideAt = at;
            m_bars.push_back({toQString(step.name), signedText(step.contribution()), from, from + step.contribution(), isPhase ? 0 : 1, false});
            from += step.contribution();
        }
        m_bars.push_back({tr("B, mean latency"), total(waterfall->b), 0, waterfall->b, 0, true});
    }
    updateScrollBar();
    viewport()->update();
}

int WaterfallView::rowHeight() const
{
    return fontMetrics().height() + 6;
}

void WaterfallView::updateScrollBar()
{
    const int height = static_cast<int>(m_bars.size()) * rowHeight() + 2 * kMargin;
    verticalScrollBar()->setRange(0, std::max(0, height - viewport()->height()));
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(rowHeight());
}

void WaterfallView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    updateScrollBar();
}

void WaterfallView::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::forPalette(palette());
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), theme.base);
    if (m_bars.empty()) {
        painter.setPen(theme.weakText);
        painter.drawText(viewport()->rect().adjusted(kMargin, kMargin, -kMargin, -kMargin), Qt::AlignCenter | Qt::TextWordWrap,
                         tr("No model has complete requests on both sides: there is no latency to explain."));
        return;
    }
    const int nameWidth = std::clamp(viewport()->width() * 2 / 5, 110, 300);
    const Scale scale = scaleOf(m_bars, nameWidth + kMargin, viewport()->width() - nameWidth - kValueWidth - 2 * kMargin);
    const int height = rowHeight();
    int y = kMargin - verticalScrollBar()->value();
    for (const Bar& bar : m_bars) {
        const int indent = bar.depth * 14;
        painter.setPen(bar.depth == 0 ? theme.text : theme.weakText);
        const QRect names(kMargin + indent, y, nameWidth - indent - kMargin, height);
        painter.drawText(names, Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(bar.name, Qt::ElideMiddle, names.width()));
        const double from = bar.isTotal ? scale.left : scale.x(bar.from), to = scale.x(bar.to);
        QColor colour = bar.isTotal ? theme.accent : bar.to > bar.from ? theme.bad : theme.good;
        if (bar.depth > 0)
            colour.setAlphaF(0.55F);
        const int inset = bar.depth == 0 ? 3 : 6;
        painter.fillRect(QRectF(std::min(from, to), y + inset, std::max(std::abs(to - from), 1.0), height - 2 * inset), colour);
        painter.drawText(QRectF(std::max(from, to) + 6, y, kValueWidth, height), Qt::AlignLeft | Qt::AlignVCenter, bar.value);
        y += height;
    }
}

bool WaterfallView::viewportEvent(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QAbstractScrollArea::viewportEvent(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const int row = (help->pos().y() + verticalScrollBar()->value() - kMargin) / rowHeight();
    if (row >= 0 && row < static_cast<int>(m_bars.size()))
        QToolTip::showText(help->globalPos(), m_bars[static_cast<std::size_t>(row)].name + QStringLiteral(": ") + m_bars[static_cast<std::size_t>(row)].value);
    return true;
}

} // namespace gantry::widgets
