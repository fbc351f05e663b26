#include "widgets/plots/value_table.h"

#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QHeaderView>
#include <QTableWidget>

#include <algorithm>

namespace gantry::widgets {

namespace {

enum Column
{
    kName,
    kNow,
    kLeast,
    kMost,
    kMean,
    kColumns
};

constexpr int kDigits = 4;

} // namespace

ValueTable::ValueTable(QWidget* parent) : PanelView(parent), m_table(new QTableWidget(0, kColumns, this))
{
    m_table->setHorizontalHeaderLabels({tr("Series"), tr("Now"), tr("Least"), tr("Most"), tr("Mean")});
    m_table->verticalHeader()->hide();
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setShowGrid(false);
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setAlternatingRowColors(true);
    m_table->setMinimumHeight(90);
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(kName, QHeaderView::Stretch);
    for (int column = kNow; column < kColumns; ++column)
        m_table->horizontalHeaderItem(column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_table->horizontalHeaderItem(kName)->setTextAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    setBody(m_table);
}

void ValueTable::fillRow(int row, const PlotCurve& curve, const Theme& theme)
{
    const auto setValue = [&](Column column, std::optional<double> value) {
        QTableWidgetItem* cell = m_table->item(row, column);
        cell->setText(value ? formatNumber(*value, kDigits) : QStringLiteral("–"));
        const PlotThreshold* reached = value ? thresholdReached(panel().thresholds, *value) : nullptr;
        cell->setForeground(reached ? colorOf(*reached, theme) : theme.text);
    };
    m_table->item(row, kName)->setText(curve.name);
    m_table->item(row, kName)->setToolTip(curve.name);
    setValue(kNow, newestValue(curve));
    std::optional<double> least, most, mean;
    if (!curve.points.empty()) {
        const auto [low, high] = std::minmax_element(curve.points.begin(), curve.points.end(),
                                                     [](const metrics::Point& a, const metrics::Point& b) { return a.value < b.value; });
        double sum = 0;
        for (const metrics::Point& point : curve.points)
            sum += point.value;
        least = low->value;
        most = high->value;
        mean = sum / static_cast<double>(curve.points.size());
    }
    setValue(kLeast, least);
    setValue(kMost, most);
    setValue(kMean, mean);
}

void ValueTable::draw(const Theme& theme)
{
    showLegend(theme, std::nullopt, Legend::Hidden);
    const auto rows = static_cast<int>(panel().curves.size());
    while (m_table->rowCount() > rows)
        m_table->removeRow(m_table->rowCount() - 1);
    while (m_table->rowCount() < rows) {
        const int row = m_table->rowCount();
        m_table->insertRow(row);
        for (int column = 0; column < kColumns; ++column) {
            auto* cell = new QTableWidgetItem;
            cell->setTextAlignment((column == kName ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
            m_table->setItem(row, column, cell);
        }
    }
    for (int row = 0; row < rows; ++row)
        fillRow(row, panel().curves[static_cast<std::size_t>(row)], theme);
}

} // namespace gantry::widgets
