#include "widgets/plots/plot_head.h"

#include <QEvent>
#include <QFontMetrics>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QStringList>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

constexpr int kTitleGap = 12; // px behind the title
constexpr int kEntryGap = 12; // px between entries
constexpr int kDot = 8;       // px
constexpr int kDotGap = 5, kValueGap = 5;
constexpr int kLongestName = 190; // px: a longer one is cut in its middle
constexpr int kMoreRoom = 40;     // px for "+12"
constexpr auto kUsualValue = "00.00"; // an entry is no narrower than with that: names that move with each value cannot be read

} // namespace

PlotHead::PlotHead(QWidget* parent)
    : QWidget(parent)
{
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void PlotHead::setTitle(const QString& title, const QString& help)
{
    m_help = help;
    if (m_title == title)
        return;
    m_title = title;
    setAccessibleName(title);
    updateGeometry();
    update();
}

void PlotHead::setEntries(std::vector<LegendEntry> entries, const QString& whenEmpty, const QString& toolTip)
{
    const int before = arranged(width()).lines;
    m_entries = std::move(entries);
    m_whenEmpty = whenEmpty;
    m_toolTip = toolTip;
    if (arranged(width()).lines != before)
        updateGeometry();
    update();
}

QString PlotHead::text() const
{
    QStringList parts{m_title};
    for (const LegendEntry& entry : m_entries)
        parts << entry.name + QLatin1Char(' ') + entry.value;
    if (m_entries.empty())
        parts << m_whenEmpty;
    return parts.join(QLatin1Char('\n'));
}

QFont PlotHead::titleFont() const
{
    QFont bold = font();
    bold.setBold(true);
    return bold;
}

int PlotHead::lineHeight() const
{
    return fontMetrics().height() + 2;
}

int PlotHead::nameWidth(const LegendEntry& entry) const
{
    const auto [known, isNew] = m_nameWidths.try_emplace(entry.name, 0);
    if (isNew)
        known->second = std::min(kLongestName, fontMetrics().horizontalAdvance(entry.name));
    return known->second;
}

int PlotHead::widthOf(const LegendEntry& entry) const
{
    if (entry.value.isEmpty())
        return kDot + kDotGap + nameWidth(entry);
    const QFontMetrics bold(titleFont());
    const int value = std::max(bold.horizontalAdvance(QLatin1String(kUsualValue)), bold.horizontalAdvance(entry.value));
    return kDot + kDotGap + nameWidth(entry) + kValueGap + value;
}

PlotHead::Arrangement PlotHead::arranged(int width) const
{
    Arrangement result;
    result.titleWidth = std::min(width, QFontMetrics(titleFont()).horizontalAdvance(m_title));
    int x = result.titleWidth + kTitleGap;
    for (std::size_t i = 0; i < m_entries.size(); ++i) {
        const int needed = widthOf(m_entries[i]);
        // The last line keeps room to say how many there are besides.
        const auto fits = [&] {
            const bool isLast = result.lines == kMostLines && i + 1 < m_entries.size();
            return x + needed <= width - (isLast ? kMoreRoom : 0);
        };
        if (!fits() && result.lines < kMostLines && x > 0) {
            ++result.lines;
            x = 0;
        }
        if (!fits() && x > 0)
            break;
        result.places.push_back({x, result.lines - 1, std::min(needed, width - x)});
        x += needed + kEntryGap;
    }
    result.moreX = x;
    return result;
}

int PlotHead::hidden(int width) const
{
    return static_cast<int>(m_entries.size() - arranged(width).places.size());
}

QSize PlotHead::sizeHint() const
{
    return {260, heightForWidth(260)};
}

QSize PlotHead::minimumSizeHint() const
{
    return {80, lineHeight()};
}

int PlotHead::heightForWidth(int width) const
{
    return arranged(width).lines * lineHeight();
}

bool PlotHead::event(QEvent* event)
{
    if (event->type() == QEvent::FontChange)
        m_nameWidths.clear();
    if (event->type() == QEvent::ToolTip) {
        const auto* at = static_cast<QHelpEvent*>(event);
        const Arrangement arrangement = arranged(width());
        const bool isOnTitle = at->y() < lineHeight() && at->x() < arrangement.titleWidth;
        const QString text = isOnTitle && !m_help.isEmpty() ? m_help : isOnTitle ? tr("Click twice to fill the page with it") : m_toolTip;
        QToolTip::showText(at->globalPos(), text, this);
        return true;
    }
    return QWidget::event(event);
}

void PlotHead::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        emit activated();
}

void PlotHead::paintEntry(QPainter& painter, const LegendEntry& entry, const Place& place) const
{
    const int top = place.line * lineHeight();
    const QRect line(place.x, top, place.width, lineHeight());
    painter.setPen(Qt::NoPen);
    painter.setBrush(entry.color);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.drawEllipse(QRect(line.left(), line.center().y() - kDot / 2 + 1, kDot, kDot));
    painter.setFont(font());
    painter.setPen(palette().color(QPalette::Text));
    QRect name = line.adjusted(kDot + kDotGap, 0, 0, 0);
    name.setWidth(std::min(nameWidth(entry), name.width()));
    painter.drawText(name, Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(entry.name, Qt::ElideMiddle, name.width() + 1));
    painter.setFont(titleFont());
    if (entry.valueColor.isValid())
        painter.setPen(entry.valueColor);
    QRect value = line;
    value.setLeft(name.right() + 1 + kValueGap);
    painter.drawText(value, Qt::AlignLeft | Qt::AlignVCenter, entry.value);
}

void PlotHead::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Arrangement arrangement = arranged(width());
    const QFont bold = titleFont();
    painter.setFont(bold);
    painter.setPen(palette().color(QPalette::Text));
    painter.drawText(QRect(0, 0, arrangement.titleWidth + 1, lineHeight()), Qt::AlignLeft | Qt::AlignVCenter,
                     QFontMetrics(bold).elidedText(m_title, Qt::ElideRight, arrangement.titleWidth + 1));
    for (std::size_t i = 0; i < arrangement.places.size(); ++i)
        paintEntry(painter, m_entries[i], arrangement.places[i]);
    painter.setFont(font());
    painter.setPen(palette().color(QPalette::PlaceholderText));
    const int x = m_entries.empty() ? arrangement.titleWidth + kTitleGap : arrangement.moreX;
    const QRect rest(x, (arrangement.lines - 1) * lineHeight(), std::max(0, width() - x), lineHeight());
    if (m_entries.empty())
        painter.drawText(rest, Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(m_whenEmpty, Qt::ElideRight, rest.width()));
    else if (const std::size_t more = m_entries.size() - arrangement.places.size(); more > 0)
        painter.drawText(rest, Qt::AlignLeft | Qt::AlignVCenter, QStringLiteral("+%1").arg(more));
}

} // namespace gantry::widgets
