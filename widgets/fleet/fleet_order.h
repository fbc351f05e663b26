#pragma once

#include "widgets/fleet/node_tile.h"

#include <QSortFilterProxyModel>

namespace gantry::widgets {

/// What comes first in the fleet.
enum class FleetSort
{
    Name,           ///< as people count: gpu-2 before gpu-10
    State,          ///< what waits for somebody first
    GpuUtilisation, ///< the busiest first
    RequestRate     ///< the most first
};

/// Which nodes of the fleet are shown. Empty: all of them.
struct FleetFilter
{
    /// Words that each stand somewhere in what is known of the node; case does not count.
    QString text;
    QString group, tag; ///< exactly these

    bool operator==(const FleetFilter&) const = default;
};

[[nodiscard]] bool matches(const NodeTile& tile, const FleetFilter& filter);
/// A strict order of any tiles with different keys: those without the value that is sorted by are last, equal ones by name.
[[nodiscard]] bool comesBefore(const NodeTile& a, const NodeTile& b, FleetSort sort);

/// The tiles of a FleetModel that are shown, in their order. Values that change do not move tiles by themselves, since nobody can click
/// one that moves: arrange() does. UI thread.
class FleetOrder : public QSortFilterProxyModel
{
    Q_OBJECT

public:
    explicit FleetOrder(QObject* parent = nullptr);

    [[nodiscard]] FleetSort order() const { return m_sort; }
    void setOrder(FleetSort order);
    [[nodiscard]] const FleetFilter& filter() const { return m_filter; }
    void setFilter(const FleetFilter& filter);
    /// Filters and sorts by the values of now.
    void arrange();
    /// Null for an index of nothing.
    [[nodiscard]] const NodeTile* tile(const QModelIndex& index) const;

protected:
    [[nodiscard]] bool filterAcceptsRow(int sourceRow, const QModelIndex& sourceParent) const override;
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

private:
    FleetSort m_sort = FleetSort::Name;
    FleetFilter m_filter;
};

} // namespace gantry::widgets
