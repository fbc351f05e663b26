#include "widgets/tables/statistics_table.h"

#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>

namespace gantry::widgets {

namespace {

using analysis::GroupBy;

constexpr std::pair<GroupBy, const char*> kGroups[] = {
    {GroupBy::Phase, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Request phases")},
    {GroupBy::Kernel, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Kernels")},
    {GroupBy::Memcpy, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Memcpys")},
    {GroupBy::Api, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "CUDA API calls")},
    {GroupBy::Nvtx, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "NVTX ranges")},
    {GroupBy::Stream, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Streams")},
    {GroupBy::Library, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Library calls")},
    {GroupBy::Os, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "OS calls")},
};

bool hasAny(const trace::Trace& trace, GroupBy by)
{
    switch (by) {
    case GroupBy::Phase:
        return trace.phases.size() > 0;
    case GroupBy::Kernel:
        return trace.kernels.size() > 0;
    case GroupBy::Memcpy:
        return trace.memcpys.size() > 0;
    case GroupBy::Api:
        return trace.apiCalls.size() > 0;
    case GroupBy::Nvtx:
        return trace.nvtxRanges.size() > 0;
    case GroupBy::Stream:
        return trace.kernels.size() + trace.memcpys.size() + trace.memsets.size() > 0;
    case GroupBy::Library:
        return trace.libraryCalls.size() > 0;
    case GroupBy::Os:
        return trace.osCalls.size() > 0;
    }
    return false;
}

} // namespace

StatisticsModel::StatisticsModel(QObject* parent) :
    QAbstractTableModel(parent)
{}

void StatisticsModel::setRows(std::vector<analysis::ActivityRow> rows)
{
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

int StatisticsModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int StatisticsModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant StatisticsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((index.column() == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && index.column() == Name)
        role = Qt::DisplayRole;
    if (role != Qt::DisplayRole && role != kSortRole)
        return {};
    const analysis::ActivityRow& row = m_rows[static_cast<std::size_t>(index.row())];
    const auto duration = [role](DurationNs ns) { return role == kSortRole ? QVariant(static_cast<qlonglong>(ns)) : QVariant(formatDuration(ns)); };
    switch (index.column()) {
    case Name:
        return toQString(row.title());
    case Count:
        return role == kSortRole ? QVariant(static_cast<qulonglong>(row.duration.count)) : QVariant(formatCount(row.duration.count));
    case Total:
        return duration(row.duration.total);
    case Share:
        return role == kSortRole ? QVariant(row.share) : QVariant(formatPercent(row.share));
    case Mean:
        return duration(static_cast<DurationNs>(row.duration.mean()));
    case P50:
        return duration(row.duration.p50);
    case P99:
        return duration(row.duration.p99);
    case Min:
        return duration(row.duration.min);
    case Max:
        return duration(row.duration.max);
    case Bytes:
        if (role == kSortRole)
            return static_cast<qulonglong>(row.bytes);
        return row.bytes ? formatBytes(row.bytes) : QString();
    default:
        return {};
    }
}

QVariant StatisticsModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((section == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Name:
        return tr("Name");
    case Count:
        return tr("Count");
    case Total:
        return tr("Total");
    case Share:
        return tr("Share");
    case Mean:
        return tr("Mean");
    case P50:
        return tr("p50");
    case P99:
        return tr("p99");
    case Min:
        return tr("Min");
    case Max:
        return tr("Max");
    case Bytes:
        return tr("Bytes");
    default:
        return {};
    }
}

StatisticsTable::StatisticsTable(QWidget* parent) :
    QWidget(parent),
    m_model(new StatisticsModel(this)),
    m_sorted(new QSortFilterProxyModel(this)),
    m_view(new QTableView(this)),
    m_groupBox(new QComboBox(this)),
    m_scope(new QLabel(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(StatisticsModel::kSortRole);
    m_view->setModel(m_sorted);
    m_view->setObjectName(QStringLiteral("statistics"));
    m_view->setAccessibleName(tr("Statistics"));
    applyTableStyle(*m_view, StatisticsModel::Name);
    m_view->setSortingEnabled(true);
    m_view->sortByColumn(StatisticsModel::Total, Qt::DescendingOrder);
    m_view->horizontalHeader()->setDefaultSectionSize(92);
    for (const auto& [by, name] : kGroups)
        m_groupBox->addItem(tr(name), static_cast<int>(by));
    m_groupBox->setAccessibleName(tr("Group by"));
    m_scope->setForegroundRole(QPalette::PlaceholderText);

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    bar->addWidget(m_groupBox);
    bar->addWidget(m_scope, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_view, 1);
    clear();
    connect(m_groupBox, &QComboBox::currentIndexChanged, this, &StatisticsTable::groupByChanged);
    connect(m_view, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit rowActivated(m_model->row(m_sorted->mapToSource(index).row())); });
}

GroupBy StatisticsTable::groupBy() const
{
    return static_cast<GroupBy>(m_groupBox->currentData().toInt());
}

void StatisticsTable::setGroupBy(GroupBy by)
{
    m_groupBox->setCurrentIndex(std::max(0, m_groupBox->findData(static_cast<int>(by))));
}

void StatisticsTable::offerGroupsOf(const trace::Trace& trace)
{
    const QSignalBlocker blocker(m_groupBox); // whoever calls is about to fill the table
    auto* items = qobject_cast<QStandardItemModel*>(m_groupBox->model());
    int firstOffered = -1;
    for (int i = 0; i < m_groupBox->count(); ++i) {
        const bool isOffered = hasAny(trace, static_cast<GroupBy>(m_groupBox->itemData(i).toInt()));
        items->item(i)->setEnabled(isOffered);
        if (isOffered && firstOffered < 0)
            firstOffered = i;
    }
    if (!items->item(m_groupBox->currentIndex())->isEnabled() && firstOffered >= 0)
        m_groupBox->setCurrentIndex(firstOffered);
}

void StatisticsTable::setRows(std::vector<analysis::ActivityRow> rows, const QString& scope)
{
    const bool isEmpty = rows.empty();
    const bool hasBytes = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.bytes > 0; });
    m_model->setRows(std::move(rows));
    m_view->setColumnHidden(StatisticsModel::Bytes, !hasBytes);
    m_scope->setText(isEmpty ? tr("nothing of this kind in %1").arg(scope) : tr("in %1").arg(scope));
}

void StatisticsTable::clear()
{
    m_model->setRows({});
    m_scope->setText(tr("Open a report to see where its time went."));
}

} // namespace gantry::widgets
