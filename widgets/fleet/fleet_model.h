#pragma once

#include "widgets/fleet/node_tile.h"

#include <QAbstractListModel>

#include <vector>

namespace gantry::widgets {

/// The tiles of the fleet as a list. UI thread.
class FleetModel : public QAbstractListModel
{
    Q_OBJECT

public:
    static constexpr int kTileRole = Qt::UserRole; ///< const NodeTile*, until the next setTiles()

    using QAbstractListModel::QAbstractListModel;

    /// The whole fleet as it is now, each key once; what is selected stays selected. True: nodes came or went.
    bool setTiles(std::vector<NodeTile> tiles);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;

private:
    std::vector<NodeTile> m_tiles;
};

} // namespace gantry::widgets

Q_DECLARE_METATYPE(const gantry::widgets::NodeTile*)
