#include "widgets/plots/panel_view.h"

#include "widgets/plots/curve_plot.h"
#include "widgets/plots/heat_plot.h"
#include "widgets/plots/state_plot.h"
#include "widgets/plots/value_grid.h"
#include "widgets/plots/value_table.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

constexpr int kLegendDigits = 3; // a value that changes ten times a second is read no further

} // namespace

PanelView::PanelView(QWidget* parent)
    : QFrame(parent), m_head(new PlotHead(this)), m_note(new QLabel(this)), m_column(new QVBoxLayout(this))
{
    setObjectName(QStringLiteral("plotFrame"));
    m_column->setContentsMargins(10, 6, 8, 4);
    m_column->setSpacing(2);
    m_column->addWidget(m_head);
    m_note->setObjectName(QStringLiteral("panelNote"));
    m_note->setTextFormat(Qt::PlainText); // a server's words may be in it
    m_note->setWordWrap(true);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->hide();
    m_column->addWidget(m_note);
    connect(m_head, &PlotHead::activated, this, &PanelView::titleActivated);
}

std::unique_ptr<PanelView> PanelView::make(metrics::PanelKind kind)
{
    switch (kind) {
    case metrics::PanelKind::Line:
    case metrics::PanelKind::Area:
        break;
    case metrics::PanelKind::Tile:
    case metrics::PanelKind::Bar:
        return std::make_unique<ValueGrid>();
    case metrics::PanelKind::Table:
        return std::make_unique<ValueTable>();
    case metrics::PanelKind::HeatMap:
        return std::make_unique<HeatPlot>();
    case metrics::PanelKind::States:
        return std::make_unique<StatePlot>();
    }
    return std::make_unique<CurvePlot>();
}

void PanelView::setBody(QWidget* body)
{
    m_column->addWidget(body, 1);
}

void PanelView::setPanel(PlotPanel panel, const PlotTime& time, const Theme& theme)
{
    m_panel = std::move(panel);
    m_time = time;
    if (m_panel.longestGap > 0) {
        m_time.longestGap = m_panel.longestGap;
        m_time.longestLag = m_panel.longestLag;
        m_time.breaks.clear();
    }
    if (m_note->text() != m_panel.note)
        m_note->setText(m_panel.note);
    m_note->setVisible(!m_panel.note.isEmpty());
    m_head->setTitle(m_panel.unit.isEmpty() ? m_panel.title : QStringLiteral("%1, %2").arg(m_panel.title, m_panel.unit), m_panel.help);
    draw(theme);
}

void PanelView::applyTheme(const Theme& theme, const QFont&)
{
    setStyleSheet(QStringLiteral("QFrame#plotFrame { background: %1; border: 1px solid %2; border-radius: 4px; }")
                      .arg(theme.base.name(), theme.border.name()));
}

void PanelView::setBands(const std::vector<PlotBand>&) {}

void PanelView::setCursor(std::optional<TimestampNs>) {}

void PanelView::setInstant(std::optional<TimestampNs>, const QString&) {}

std::optional<double> PanelView::newestValue(const PlotCurve& curve) const
{
    if (curve.points.empty() || m_time.window.end - curve.points.back().time > std::max(m_time.longestGap, m_time.longestLag))
        return std::nullopt; // it has ended: what it was is no value of now
    return curve.points.back().value;
}

QColor PanelView::colorOf(const PlotCurve& curve, std::size_t index, const Theme& theme)
{
    return curve.phase ? theme.phase(*curve.phase) : theme.series(curve.color.value_or(index));
}

QColor PanelView::colorOf(const PlotThreshold& threshold, const Theme& theme)
{
    return threshold.isCritical ? theme.bad : theme.warning;
}

void PanelView::showLegend(const Theme& theme, std::optional<TimestampNs> cursor, Legend legend)
{
    std::vector<LegendEntry> entries;
    QStringList plain;
    for (std::size_t i = 0; i < m_panel.curves.size(); ++i) {
        const PlotCurve& curve = m_panel.curves[i];
        std::optional<double> value = newestValue(curve);
        if (cursor) {
            const metrics::Point* point = m_time.pointAt(curve.points, *cursor);
            value = point ? std::optional(point->value) : std::nullopt;
        }
        const QString text = value ? formatNumber(*value, kLegendDigits) : QStringLiteral("–");
        const PlotThreshold* reached = value ? thresholdReached(m_panel.thresholds, *value) : nullptr;
        plain << QStringLiteral("%1 %2 %3").arg(curve.name, text, m_panel.unit);
        if (curve.isEarlier)
            continue; // the one of now names both
        entries.push_back({curve.name, text, colorOf(curve, i, theme), reached ? colorOf(*reached, theme) : QColor()});
    }
    m_legendText = plain.join(QLatin1Char('\n'));
    const QString whenEmpty = m_panel.curves.empty() && m_panel.note.isEmpty() ? tr("waiting for samples") : QString();
    if (legend == Legend::Hidden)
        entries.clear();
    m_head->setEntries(std::move(entries), whenEmpty, m_legendText);
}

void PanelView::showEntries(std::vector<LegendEntry> entries)
{
    QStringList plain;
    for (const LegendEntry& entry : entries)
        plain << QStringLiteral("%1 %2").arg(entry.name, entry.value).trimmed();
    m_legendText = plain.join(QLatin1Char('\n'));
    m_head->setEntries(std::move(entries), m_panel.curves.empty() && m_panel.note.isEmpty() ? tr("waiting for samples") : QString(),
                       m_legendText);
}

} // namespace gantry::widgets
