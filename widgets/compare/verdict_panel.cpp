#include "widgets/compare/verdict_panel.h"

#include "widgets/theme/elided_label.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

constexpr int kMostLines = 4;

QColor colourOf(analysis::Verdict verdict, const Theme& theme)
{
    switch (verdict) {
    case analysis::Verdict::Better:
        return theme.good;
    case analysis::Verdict::Worse:
        return theme.bad;
    case analysis::Verdict::CannotSay:
        return theme.warning;
    case analysis::Verdict::Same:
        return theme.text;
    }
    return theme.text;
}

void setColour(QLabel& label, const QColor& colour)
{
    QPalette palette = label.palette();
    palette.setColor(QPalette::WindowText, colour);
    label.setPalette(palette);
}

} // namespace

VerdictPanel::VerdictPanel(QWidget* parent) : QWidget(parent), m_headline(new QLabel(this)), m_reason(new ElidedLabel(Qt::ElideRight, this))
{
    setObjectName(QStringLiteral("verdictPanel"));
    m_headline->setObjectName(QStringLiteral("verdict"));
    m_headline->setTextFormat(Qt::PlainText);
    QFont font = m_headline->font();
    font.setBold(true);
    font.setPointSizeF(font.pointSizeF() * 1.15);
    m_headline->setFont(font);
    m_reason->setObjectName(QStringLiteral("verdictReason"));
    auto* top = new QHBoxLayout;
    top->setSpacing(12);
    top->addWidget(m_headline);
    top->addWidget(m_reason, 1);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(8, 4, 8, 4);
    column->setSpacing(2);
    column->addLayout(top);
    for (int i = 0; i < kMostLines; ++i) {
        m_lines.push_back(new ElidedLabel(Qt::ElideRight, this));
        column->addWidget(m_lines.back());
    }
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setLines(kMostLines);
}

void VerdictPanel::setComparison(const analysis::Comparison& comparison)
{
    m_comparison = comparison;
    m_headline->setText(toQString(analysis::headline(comparison.verdict.verdict)));
    m_reason->setText(toQString(comparison.verdict.reason));
    showLines();
    colour();
}

void VerdictPanel::setLines(int lines)
{
    if (std::exchange(m_room, std::min(lines, kMostLines)) != m_room)
        showLines();
}

void VerdictPanel::showLines()
{
    QStringList lines;
    for (const analysis::LeadingChange& change : m_comparison.leading)
        lines << (change.of == analysis::LeadingChange::Of::Circumstance ? tr("Changed: %1") : tr("Moved: %1")).arg(toQString(change.sentence));
    // What cannot be concluded has a line of its own, however much changed.
    if (!m_comparison.limits.empty()) {
        lines.resize(std::min<qsizetype>(lines.size(), std::max(m_room - 1, 0)));
        QStringList limits;
        for (const std::string& limit : m_comparison.limits)
            limits << toQString(limit);
        lines << tr("Mind: %1").arg(limits.join(QLatin1Char(' ')));
    }
    for (int i = 0; i < kMostLines; ++i) {
        ElidedLabel& label = *m_lines[static_cast<std::size_t>(i)];
        const bool isShown = i < m_room && i < lines.size();
        label.setText(isShown ? lines[i] : QString());
        label.setVisible(isShown);
    }
    updateGeometry();
}

void VerdictPanel::colour()
{
    const Theme& theme = Theme::forPalette(palette());
    setColour(*m_headline, colourOf(m_comparison.verdict.verdict, theme));
    for (ElidedLabel* line : m_lines)
        setColour(*line, line->text().startsWith(tr("Mind:")) ? theme.warning : theme.text);
}

void VerdictPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        colour();
}

} // namespace gantry::widgets
