#pragma once

#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/analysis/sweep/sweep_grid.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include <memory>
#include <vector>

namespace gantry::widgets {

/// The points of a sweep, a row each in the sweep's order. UI thread.
class SweepModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    /// Numbers without units, and headers that name them: what is sorted by and copied.
    static constexpr int kNumberRole = Qt::UserRole;

    using QAbstractTableModel::QAbstractTableModel;

    void setSweep(std::shared_ptr<const sweep::Sweep> sweep);
    [[nodiscard]] const std::vector<sweep::Column>& columns() const { return m_columns; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] Qt::Alignment alignmentOf(std::size_t column) const;

    std::shared_ptr<const sweep::Sweep> m_sweep;
    std::vector<sweep::Column> m_columns;
    std::vector<bool> m_isNumeric; ///< by column: each of its cells is a number, or there is none
};

/// Sorts by numbers where there are some; what is absent comes last in either direction.
class SweepOrder : public QSortFilterProxyModel
{
    Q_OBJECT

public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

protected:
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
};

} // namespace gantry::widgets
