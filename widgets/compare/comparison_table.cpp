#include "widgets/compare/comparison_table.h"

#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QHeaderView>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr double kSameRatio = 0.05; // closer than this to 1 is not coloured: single reports differ by as much

QString valueText(std::optional<double> value, const std::string& unit)
{
    if (!value)
        return QStringLiteral("–");
    if (unit == "ns")
        return formatDuration(static_cast<DurationNs>(std::llround(*value)));
    if (unit == "count")
        return formatNumber(*value);
    const QString name = unit == "1/s" ? QStringLiteral("req/s") : toQString(unit);
    return QStringLiteral("%1 %2").arg(formatNumber(*value), name);
}

/// "12.3 µs (×41)": how often it ran, where that is known.
QString withCount(const QString& value, std::optional<std::size_t> count)
{
    return count ? QStringLiteral("%1 (×%2)").arg(value, formatCount(*count)) : value;
}

} // namespace

ComparisonTable::ComparisonTable(QWidget* parent) : QTreeWidget(parent)
{
    setObjectName(QStringLiteral("comparisonTable"));
    setAccessibleName(tr("Differences between A and B"));
    setColumnCount(ColumnCount);
    setHeaderLabels({tr("What"), tr("A"), tr("B"), tr("B − A"), tr("B / A")});
    setFrameShape(QFrame::NoFrame);
    setUniformRowHeights(true);
    setAlternatingRowColors(true);
    setIndentation(12);
    setTextElideMode(Qt::ElideMiddle);
    header()->setStretchLastSection(false);
    header()->setMinimumSectionSize(60);
    for (int column = A; column < ColumnCount; ++column) {
        header()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
        headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
    }
    stretchColumn(*header(), Name);
}

void ComparisonTable::setComparison(const analysis::Comparison& comparison)
{
    m_comparison = comparison;
    fill();
}

void ComparisonTable::fill()
{
    clear();
    addSection(tr("Throughput and latency"), m_comparison.summary, false);
    addSection(tr("Request phases"), m_comparison.phases, false);
    addSection(tr("Memcpys, mean time (copies)"), m_comparison.memcpys, true);
    addSection(tr("Kernels, mean time (calls)"), m_comparison.kernels, true);
    hideWhatHasNoRoom();
}

void ComparisonTable::addSection(const QString& title, const std::vector<analysis::ComparisonRow>& rows, bool showsCounts)
{
    const auto isOnEitherSide = [](const analysis::ComparisonRow& row) { return row.a || row.b; };
    if (std::none_of(rows.begin(), rows.end(), isOnEitherSide))
        return;
    const Theme& theme = Theme::forPalette(palette());
    auto* heading = new QTreeWidgetItem(this, {title});
    QFont font = heading->font(Name);
    font.setBold(true);
    heading->setFont(Name, font);
    heading->setFirstColumnSpanned(true);
    for (const analysis::ComparisonRow& row : rows) {
        if (!isOnEitherSide(row))
            continue;
        auto* item = new QTreeWidgetItem(heading);
        item->setText(Name, toQString(row.name));
        item->setToolTip(Name, toQString(row.name));
        item->setText(A, showsCounts ? withCount(valueText(row.a, row.unit), row.countA) : valueText(row.a, row.unit));
        item->setText(B, showsCounts ? withCount(valueText(row.b, row.unit), row.countB) : valueText(row.b, row.unit));
        for (int column = A; column < ColumnCount; ++column)
            item->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
        if (!row.a || !row.b) {
            item->setText(Ratio, row.a ? tr("only A") : tr("only B"));
            continue;
        }
        const double difference = *row.difference();
        item->setText(Difference, (difference > 0   ? QStringLiteral("+")
                                   : difference < 0 ? QStringLiteral("−")
                                                    : QString()) +
                                      valueText(std::abs(difference), row.unit));
        const auto ratio = row.ratio();
        if (!ratio)
            continue;
        item->setText(Ratio, QStringLiteral("%1 ×").arg(*ratio, 0, 'f', 2));
        item->setToolTip(Ratio, tr("B − A: %1").arg(item->text(Difference)));
        // Requests per second: more is better. Batch size and counts are neither.
        const bool isRate = row.unit == "1/s" || row.unit == "req/s";
        const bool isJudged = row.unit == "ns" || isRate;
        if (!isJudged || std::abs(*ratio - 1) < kSameRatio)
            continue;
        const bool isBetter = (*ratio < 1) != isRate;
        item->setForeground(Ratio, isBetter ? theme.good : theme.bad);
        item->setForeground(Difference, isBetter ? theme.good : theme.bad);
    }
    heading->setExpanded(true);
}

void ComparisonTable::hideWhatHasNoRoom()
{
    int needed = kNarrowestName;
    for (int column = A; column < ColumnCount; ++column)
        needed += std::max({header()->minimumSectionSize(), sizeHintForColumn(column), header()->sectionSizeHint(column)});
    setColumnHidden(Difference, needed > viewport()->width());
}

void ComparisonTable::resizeEvent(QResizeEvent* event)
{
    QTreeWidget::resizeEvent(event);
    hideWhatHasNoRoom();
}

void ComparisonTable::changeEvent(QEvent* event)
{
    QTreeWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        fill();
}

} // namespace gantry::widgets
