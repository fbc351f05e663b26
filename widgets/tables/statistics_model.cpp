#include "widgets/tables/statistics_model.h"

#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"

namespace gantry::widgets {
namespace {

/// The same in every language: what is copied is read by programs, too.
QString numberTitle(int section)
{
    static constexpr const char* kTitles[StatisticsModel::ColumnCount] = {
        "name", "count", "total_ns", "share_ratio", "mean_ns", "min_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns", "", "bytes"};
    return QLatin1String(kTitles[section]);
}

} // namespace

StatisticsModel::StatisticsModel(QObject* parent) : QAbstractTableModel(parent) {}

void StatisticsModel::setRows(std::vector<analysis::ActivityRow> rows, const QString& gaps)
{
    beginResetModel();
    m_rows = std::move(rows);
    m_gaps = gaps;
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
    const analysis::ActivityRow& row = m_rows[static_cast<std::size_t>(index.row())];
    const bool isLow = !m_gaps.isEmpty() && (index.column() == Count || index.column() == Total || index.column() == Bytes);
    if (role == kHistogramRole)
        return QVariant::fromValue(row.histogram);
    if (role == Qt::ToolTipRole && index.column() == Shape)
        return tr("How many lasted how long, from %1 to %2 in equal steps of the logarithm; the median is %3")
            .arg(formatDuration(row.duration.min), formatDuration(row.duration.max), formatDuration(row.duration.p50));
    if (role == Qt::ToolTipRole && isLow)
        return tr("At least: %1.").arg(m_gaps);
    if (role == Qt::ToolTipRole && index.column() == Name)
        role = Qt::DisplayRole;
    if (role != Qt::DisplayRole && role != kNumberRole)
        return {};
    const auto low = [isLow](const QString& number) { return isLow ? QStringLiteral("≥ %1").arg(number) : number; };
    const auto duration = [role](DurationNs ns) {
        return role == kNumberRole ? QVariant(static_cast<qlonglong>(ns)) : QVariant(formatDuration(ns));
    };
    switch (index.column()) {
    case Name:
        return toQString(row.title());
    case Count:
        return role == kNumberRole ? QVariant(static_cast<qulonglong>(row.duration.count)) : QVariant(low(formatCount(row.duration.count)));
    case Total:
        return role == kNumberRole ? duration(row.duration.total) : QVariant(low(formatDuration(row.duration.total)));
    case Share:
        return role == kNumberRole ? QVariant(row.share) : QVariant(formatPercent(row.share));
    case Mean:
        return duration(static_cast<DurationNs>(row.duration.mean()));
    case P50:
        return duration(row.duration.p50);
    case P95:
        return duration(row.duration.p95);
    case P99:
        return duration(row.duration.p99);
    case Min:
        return duration(row.duration.min);
    case Max:
        return duration(row.duration.max);
    case Bytes:
        if (role == kNumberRole)
            return static_cast<qulonglong>(row.bytes);
        return row.bytes ? low(formatBytes(row.bytes)) : QString();
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
    if (role == kNumberRole)
        return numberTitle(section);
    if (role == Qt::ToolTipRole)
        return termToolTip(headerData(section, orientation, Qt::DisplayRole).toString());
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
    case P95:
        return tr("p95");
    case P99:
        return tr("p99");
    case Min:
        return tr("Min");
    case Max:
        return tr("Max");
    case Shape:
        return tr("Distribution");
    case Bytes:
        return tr("Bytes");
    default:
        return {};
    }
}

} // namespace gantry::widgets
