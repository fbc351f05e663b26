#include "widgets/fleet/fleet_order.h"

#include "widgets/fleet/fleet_model.h"

#include <QCollator>

#include <algorithm>

namespace gantry::widgets {

namespace {

/// All that is searched for words.
QString searchedText(const NodeTile& tile)
{
    QStringList parts{tile.name, tile.address, tile.group, tile.stateText, gpuText(tile)};
    parts << tile.tags << tile.servers;
    for (const TileNote& note : tile.notes)
        parts << note.text;
    return parts.join(QLatin1Char('\n'));
}

int compareNames(const NodeTile& a, const NodeTile& b)
{
    static const QCollator kCollator = [] {
        QCollator collator(QLocale(QLocale::English)); // that of C knows no numbers, and names of hosts are of no language
        collator.setNumericMode(true);
        collator.setCaseSensitivity(Qt::CaseInsensitive);
        return collator;
    }();
    const int byName = kCollator.compare(a.name, b.name);
    return byName != 0 ? byName : a.key.compare(b.key);
}

/// Largest first, absent last; 0: equal.
int compareDown(std::optional<double> a, std::optional<double> b)
{
    if (a.has_value() != b.has_value())
        return a ? -1 : 1;
    if (!a || *a == *b)
        return 0;
    return *a > *b ? -1 : 1;
}

} // namespace

bool matches(const NodeTile& tile, const FleetFilter& filter)
{
    if (!filter.group.isEmpty() && tile.group != filter.group)
        return false;
    if (!filter.tag.isEmpty() && !tile.tags.contains(filter.tag))
        return false;
    const QStringList words = filter.text.simplified().split(QLatin1Char(' '), Qt::SkipEmptyParts);
    if (words.isEmpty())
        return true;
    const QString searched = searchedText(tile);
    return std::all_of(words.begin(), words.end(), [&](const QString& word) { return searched.contains(word, Qt::CaseInsensitive); });
}

bool comesBefore(const NodeTile& a, const NodeTile& b, FleetSort sort)
{
    int compared = 0;
    switch (sort) {
    case FleetSort::Name:
        break;
    case FleetSort::State:
        compared = static_cast<int>(a.state) - static_cast<int>(b.state);
        break;
    case FleetSort::GpuUtilisation:
        compared = compareDown(meanUtilisation(a), meanUtilisation(b));
        break;
    case FleetSort::RequestRate:
        compared = compareDown(a.requestsPerSecond, b.requestsPerSecond);
        break;
    }
    return compared != 0 ? compared < 0 : compareNames(a, b) < 0;
}

FleetOrder::FleetOrder(QObject* parent) : QSortFilterProxyModel(parent)
{
    setDynamicSortFilter(false);
}

void FleetOrder::setOrder(FleetSort order)
{
    if (order == m_sort)
        return;
    m_sort = order;
    arrange();
}

void FleetOrder::setFilter(const FleetFilter& filter)
{
    if (filter == m_filter)
        return;
    m_filter = filter;
    arrange();
}

void FleetOrder::arrange()
{
    invalidateFilter();
    sort(0);
}

const NodeTile* FleetOrder::tile(const QModelIndex& index) const
{
    return index.data(FleetModel::kTileRole).value<const NodeTile*>();
}

bool FleetOrder::filterAcceptsRow(int sourceRow, const QModelIndex& sourceParent) const
{
    const auto* tile = sourceModel()->index(sourceRow, 0, sourceParent).data(FleetModel::kTileRole).value<const NodeTile*>();
    return tile && matches(*tile, m_filter);
}

bool FleetOrder::lessThan(const QModelIndex& left, const QModelIndex& right) const
{
    return comesBefore(*left.data(FleetModel::kTileRole).value<const NodeTile*>(),
                       *right.data(FleetModel::kTileRole).value<const NodeTile*>(), m_sort);
}

} // namespace gantry::widgets
