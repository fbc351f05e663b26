#include "widgets/fleet/fleet_model.h"

#include <QHash>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

/// All that a tile shows, in words: for the tip, and for who does not see it.
QString fullText(const NodeTile& tile)
{
    QStringList lines{FleetModel::tr("%1 · %2").arg(tile.name, tile.stateText)};
    if (tile.address != tile.name)
        lines << tile.address;
    if (!tile.group.isEmpty() || !tile.tags.isEmpty())
        lines << (QStringList(tile.group.isEmpty() ? QStringList() : QStringList(tile.group)) + tile.tags).join(QStringLiteral(" · "));
    for (std::size_t i = 0; i < tile.gpus.size(); ++i) {
        const GpuTile& gpu = tile.gpus[i];
        lines << FleetModel::tr("GPU %1 %2: %3 · %4 · %5")
                     .arg(QString::number(i), gpu.name, ratioText(gpu.utilisationRatio),
                          memoryText(gpu.memoryUsedBytes, gpu.memoryTotalBytes), powerText(gpu.powerW));
    }
    if (tile.gpus.empty())
        lines << FleetModel::tr("Host: %1 · %2")
                     .arg(ratioText(tile.cpuRatio), memoryText(tile.hostMemoryUsedBytes, tile.hostMemoryTotalBytes));
    lines << FleetModel::tr("%1 · %2").arg(requestText(tile.requestsPerSecond), activityText(tile));
    for (const TileNote& note : tile.notes)
        lines << note.text;
    return lines.join(QLatin1Char('\n'));
}

} // namespace

bool FleetModel::setTiles(std::vector<NodeTile> tiles)
{
    QHash<QString, std::size_t> newRows;
    for (std::size_t i = 0; i < tiles.size(); ++i)
        newRows.insert(tiles[i].key, i);
    bool hasOthers = false;
    for (int row = static_cast<int>(m_tiles.size()) - 1; row >= 0; --row) {
        if (newRows.contains(m_tiles[static_cast<std::size_t>(row)].key))
            continue;
        beginRemoveRows({}, row, row);
        m_tiles.erase(m_tiles.begin() + row);
        endRemoveRows();
        hasOthers = true;
    }
    std::vector<bool> isShown(tiles.size(), false);
    for (std::size_t row = 0; row < m_tiles.size(); ++row) {
        const std::size_t newRow = newRows.value(m_tiles[row].key);
        isShown[newRow] = true;
        if (m_tiles[row] == tiles[newRow])
            continue;
        m_tiles[row] = std::move(tiles[newRow]);
        const QModelIndex changed = index(static_cast<int>(row));
        emit dataChanged(changed, changed);
    }
    const auto added = std::count(isShown.begin(), isShown.end(), false);
    if (added == 0)
        return hasOthers;
    const int first = static_cast<int>(m_tiles.size());
    beginInsertRows({}, first, first + static_cast<int>(added) - 1);
    for (std::size_t i = 0; i < tiles.size(); ++i)
        if (!isShown[i])
            m_tiles.push_back(std::move(tiles[i]));
    endInsertRows();
    return true;
}

int FleetModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_tiles.size());
}

QVariant FleetModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const NodeTile& tile = m_tiles[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return tile.name;
    case Qt::ToolTipRole:
    case Qt::AccessibleTextRole:
        return fullText(tile);
    case kTileRole:
        return QVariant::fromValue(&tile);
    default:
        return {};
    }
}

} // namespace gantry::widgets
