#include "widgets/tables/summary_tables.h"

#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <limits>

namespace gantry::widgets {

SummaryModel::SummaryModel(QObject* parent) : QAbstractTableModel(parent) {}

void SummaryModel::setTable(importing::SummaryTable table)
{
    beginResetModel();
    m_table = std::move(table);
    m_isNumeric.assign(m_table.columns.size(), true);
    for (std::size_t column = 0; column < m_table.columns.size(); ++column) {
        m_isNumeric[column] = std::all_of(m_table.rows.begin(), m_table.rows.end(), [column](const auto& row) {
            bool isNumber = row[column].empty();
            if (!isNumber)
                toQString(row[column]).toDouble(&isNumber);
            return isNumber;
        });
    }
    endResetModel();
}

int SummaryModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_table.rows.size());
}

int SummaryModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_table.columns.size());
}

QVariant SummaryModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((isNumeric(index.column()) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    const std::string& cell = m_table.rows[static_cast<std::size_t>(index.row())][static_cast<std::size_t>(index.column())];
    if (role == kSortRole && isNumeric(index.column()))
        return cell.empty() ? -std::numeric_limits<double>::infinity() : toQString(cell).toDouble(); // what is absent: below what is there
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole || role == kSortRole)
        return toQString(cell);
    return {};
}

QVariant SummaryModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((isNumeric(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return role == Qt::DisplayRole ? QVariant(toQString(m_table.columns[static_cast<std::size_t>(section)])) : QVariant();
}

SummaryTables::SummaryTables(QWidget* parent)
    : QWidget(parent),
      m_model(new SummaryModel(this)),
      m_sorted(new QSortFilterProxyModel(this)),
      m_view(new QTableView(this)),
      m_choice(new QComboBox(this)),
      m_size(new QLabel(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(SummaryModel::kSortRole);
    m_view->setModel(m_sorted);
    m_view->setAccessibleName(tr("Table of the file"));
    applyTableStyle(*m_view);
    m_view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_view->setSortingEnabled(true);
    m_choice->setAccessibleName(tr("Which table"));
    m_choice->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_size->setForegroundRole(QPalette::PlaceholderText);

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    bar->addWidget(m_choice);
    bar->addWidget(m_size, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_view, 1);
    connect(m_choice, &QComboBox::currentIndexChanged, this, &SummaryTables::showTable);
    setTables({});
}

void SummaryTables::setTables(std::vector<importing::SummaryTable> tables)
{
    m_tables = std::move(tables);
    {
        const QSignalBlocker blocker(m_choice);
        m_choice->clear();
        for (const importing::SummaryTable& table : m_tables)
            m_choice->addItem(toQString(table.name));
    }
    m_choice->setVisible(!m_tables.empty());
    showTable(m_choice->currentIndex());
}

void SummaryTables::showTable(int index)
{
    m_view->sortByColumn(-1, Qt::AscendingOrder); // as the file has it
    if (index < 0) {
        m_model->setTable({});
        m_size->setText(tr("There are no tables."));
        return;
    }
    const importing::SummaryTable& table = m_tables[static_cast<std::size_t>(index)];
    m_model->setTable(table);
    fitColumns(*m_view);
    m_size->setText(table.rows.size() == 1 ? tr("1 row") : tr("%1 rows").arg(formatCount(table.rows.size())));
}

} // namespace gantry::widgets
