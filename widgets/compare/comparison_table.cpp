#include "widgets/compare/comparison_table.h"

#include "trace_model/analysis/change_text.h"
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
    if (unit == "ratio" || unit == "Hz")
        return toQString(analysis::valueText(*value, unit));
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
    setHeaderLabels({tr("What"), tr("A"), tr("B"), tr("B − A"), tr("B / A"), tr("95 % interval"), tr("p")});
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
    connect(this, &QTreeWidget::currentItemChanged, this, &ComparisonTable::rowChosen);
}

std::optional<analysis::ComparisonRow> ComparisonTable::currentRow() const
{
    const QTreeWidgetItem* item = currentItem();
    if (!item || !item->parent())
        return {};
    const auto number = item->data(Name, Qt::UserRole).toULongLong();
    return number < m_rows.size() ? std::optional(*m_rows[number]) : std::nullopt;
}

void ComparisonTable::chooseFirst(analysis::RowKind kind)
{
    for (int section = 0; section < topLevelItemCount(); ++section)
        for (int i = 0; i < topLevelItem(section)->childCount(); ++i) {
            QTreeWidgetItem* item = topLevelItem(section)->child(i);
            if (m_rows[item->data(Name, Qt::UserRole).toULongLong()]->kind == kind)
                return setCurrentItem(item);
        }
}

void ComparisonTable::setComparison(const analysis::Comparison& comparison)
{
    m_comparison = comparison;
    fill();
}

void ComparisonTable::fill()
{
    clear();
    m_rows.clear();
    addSection(tr("Throughput and latency"), m_comparison.summary, false);
    addSection(tr("Request phases"), m_comparison.phases, false);
    addSection(tr("Executions"), m_comparison.executions, true);
    addSection(tr("GPU"), m_comparison.gpu, false);
    addSection(tr("Streams, busy for a request or of the time"), m_comparison.streams, false);
    addSection(tr("Memcpys, mean time (copies)"), m_comparison.memcpys, true);
    addSection(tr("Kernels, mean time (calls)"), m_comparison.kernels, true);
    addSection(tr("API calls, mean time (calls)"), m_comparison.apiCalls, true);
    addSection(tr("NVTX ranges, mean time (ranges)"), m_comparison.nvtxRanges, true);
    addSection(tr("Metrics, mean"), m_comparison.metrics, false);
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
        item->setData(Name, Qt::UserRole, QVariant::fromValue<qulonglong>(m_rows.size()));
        m_rows.push_back(&row);
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
        showChange(*item, row);
        const auto ratio = row.ratio();
        if (!ratio)
            continue;
        item->setText(Ratio, QStringLiteral("%1 ×").arg(*ratio, 0, 'f', 2));
        item->setToolTip(Ratio, tr("B − A: %1").arg(item->text(Difference)));
        // Requests per second: more is better. Batch size and counts are neither.
        const bool isRate = row.unit == "1/s" || row.unit == "req/s";
        const bool isJudged = row.unit == "ns" || isRate;
        const bool isTested = row.statistics.a.n > 0; // else nothing but the values is known
        const bool isNoise = isTested ? !row.isChanged() : std::abs(*ratio - 1) < kSameRatio;
        if (!isJudged || isNoise)
            continue;
        const bool isBetter = (*ratio < 1) != isRate;
        item->setForeground(Ratio, isBetter ? theme.good : theme.bad);
        item->setForeground(Difference, isBetter ? theme.good : theme.bad);
    }
    heading->setExpanded(true);
}

void ComparisonTable::showChange(QTreeWidgetItem& item, const analysis::ComparisonRow& row) const
{
    const auto& change = row.change();
    if (!change || !row.correctedP) {
        item.setText(Probability, row.statistics.a.n > 0 ? tr("too little to tell") : QString());
        return;
    }
    const QString probability = row.isChanged() || *row.correctedP < analysis::kAlpha
                                    ? toQString(analysis::probabilityText(*row.correctedP))
                                    : tr("no significant change");
    item.setText(Interval, toQString(analysis::intervalText(*change, row.unit)));
    item.setText(Probability, probability);
    item.setToolTip(Probability, tr("%1 of the change of the %2, corrected by Holm's method for %3 rows")
                                     .arg(toQString(analysis::probabilityText(*row.correctedP)), toQString(analysis::name(row.statistic)))
                                     .arg(m_comparison.rowsTested));
    item.setToolTip(Ratio, tr("B − A: %1\n95 % interval: %2\n%3").arg(item.text(Difference), item.text(Interval), probability));
}

void ComparisonTable::hideWhatHasNoRoom()
{
    const auto widthOf = [this](int column) {
        return std::max({header()->minimumSectionSize(), sizeHintForColumn(column), header()->sectionSizeHint(column)});
    };
    int needed = kNarrowestName;
    for (const int column : {A, B, Ratio})
        needed += widthOf(column);
    // The difference says what the ratio does; how sure it is says more.
    const bool hasChanges = std::any_of(m_rows.begin(), m_rows.end(), [](const auto* row) { return row->correctedP.has_value(); });
    for (const int column : {Probability, Interval, Difference}) {
        const bool isUseful = column == Difference || hasChanges;
        const bool hasRoom = isUseful && needed + widthOf(column) <= viewport()->width();
        setColumnHidden(column, !hasRoom);
        needed += hasRoom ? widthOf(column) : 0;
    }
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
