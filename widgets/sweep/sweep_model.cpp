#include "widgets/sweep/sweep_model.h"

#include "widgets/theme/format.h"

#include <utility>

namespace gantry::widgets {

namespace {

/// What a column is about, where its title is short.
QString toolTipOf(const sweep::Column& column)
{
    using sweep::Figure;
    if (column.of == sweep::Column::Of::Front)
        return SweepModel::tr("On the front: no other point has both a higher throughput and a lower p99");
    if (column.of != sweep::Column::Of::Figure)
        return {};
    switch (column.figure) {
    case Figure::Throughput:
        return SweepModel::tr("Inferences a second that succeeded; of a report without a load, requests a second");
    case Figure::Requests:
        return SweepModel::tr("Requests that the latencies are of");
    case Figure::AverageBatch:
        return SweepModel::tr("Requests that an execution served, on average");
    case Figure::GpuBusy:
        return SweepModel::tr("Share of the time in which a GPU had work");
    case Figure::GpuMemory:
        return SweepModel::tr("The most GPU memory that was in use");
    case Figure::Failures:
        return SweepModel::tr("Requests that failed");
    case Figure::Dropped:
        return SweepModel::tr("Records that its report lacks");
    default:
        return SweepModel::tr("Latency that so many percent of the requests did not exceed");
    }
}

} // namespace

void SweepModel::setSweep(std::shared_ptr<const sweep::Sweep> sweep)
{
    beginResetModel();
    m_sweep = std::move(sweep);
    m_columns = m_sweep ? sweep::columnsOf(*m_sweep) : std::vector<sweep::Column>();
    m_isNumeric.clear();
    for (const sweep::Column& column : m_columns) {
        bool isNumeric = column.of != sweep::Column::Of::Remarks;
        for (std::size_t point = 0; m_sweep && point < m_sweep->points.size(); ++point) {
            const sweep::Cell cell = sweep::cellOf(*m_sweep, point, column);
            isNumeric = isNumeric && (cell.number || cell.text.empty());
        }
        m_isNumeric.push_back(isNumeric);
    }
    endResetModel();
}

int SweepModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_sweep ? 0 : static_cast<int>(m_sweep->points.size());
}

int SweepModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_columns.size());
}

QVariant SweepModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !m_sweep)
        return {};
    const sweep::Column& column = m_columns[static_cast<std::size_t>(index.column())];
    const auto point = static_cast<std::size_t>(index.row());
    const sweep::Cell cell = sweep::cellOf(*m_sweep, point, column);
    switch (role) {
    case Qt::DisplayRole: {
        const bool mayBeEmpty = column.of == sweep::Column::Of::Front || column.of == sweep::Column::Of::Remarks;
        return cell.text.empty() && !mayBeEmpty ? QStringLiteral("–") : toQString(cell.text);
    }
    case Qt::ToolTipRole:
        if (column.of == sweep::Column::Of::Figure && column.figure == sweep::Figure::P99 && cell.text.empty())
            return toQString(m_sweep->points[point].whyNoP99);
        return toQString(cell.text);
    case Qt::TextAlignmentRole:
        return QVariant(alignmentOf(static_cast<std::size_t>(index.column())));
    case kNumberRole:
        return cell.number ? QVariant(*cell.number) : cell.text.empty() ? QVariant() : QVariant(toQString(cell.text));
    default:
        return {};
    }
}

Qt::Alignment SweepModel::alignmentOf(std::size_t column) const
{
    if (m_columns[column].of == sweep::Column::Of::Front)
        return Qt::AlignCenter;
    return (m_isNumeric[column] ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter;
}

QVariant SweepModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    const sweep::Column& column = m_columns[static_cast<std::size_t>(section)];
    switch (role) {
    case Qt::DisplayRole:
        return toQString(column.title);
    case kNumberRole:
        return column.of == sweep::Column::Of::Figure ? toQString(sweep::wordsOf(column.figure).key) : toQString(column.title);
    case Qt::ToolTipRole:
        return toolTipOf(column);
    case Qt::TextAlignmentRole:
        return QVariant(alignmentOf(static_cast<std::size_t>(section)));
    default:
        return {};
    }
}

bool SweepOrder::lessThan(const QModelIndex& left, const QModelIndex& right) const
{
    const QVariant a = left.data(SweepModel::kNumberRole), b = right.data(SweepModel::kNumberRole);
    if (a.isValid() != b.isValid())
        return a.isValid() == (sortOrder() == Qt::AscendingOrder);
    const bool areNumbers = a.userType() == QMetaType::Double && b.userType() == QMetaType::Double;
    return areNumbers ? a.toDouble() < b.toDouble() : a.toString().localeAwareCompare(b.toString()) < 0;
}

} // namespace gantry::widgets
