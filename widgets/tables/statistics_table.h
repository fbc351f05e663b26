#pragma once

#include "trace_model/analysis/kernel_stats.h"

#include <QAbstractTableModel>
#include <QString>
#include <QWidget>

#include <vector>

class QComboBox;
class QLabel;
class QSortFilterProxyModel;
class QTableView;

namespace gantry::widgets {

/// Rows of an activity table.
class StatisticsModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column { Name, Count, Total, Share, Mean, P50, P99, Min, Max, Bytes, ColumnCount };
    /// Role of the number behind a cell, for sorting.
    static constexpr int kSortRole = Qt::UserRole;

    explicit StatisticsModel(QObject* parent = nullptr);
    void setRows(std::vector<analysis::ActivityRow> rows);
    [[nodiscard]] const analysis::ActivityRow& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<analysis::ActivityRow> m_rows;
};

/// Time by kernel, memcpy, API call, NVTX range, stream or phase, with the choice of which. The owner computes the rows.
class StatisticsTable : public QWidget
{
    Q_OBJECT

public:
    explicit StatisticsTable(QWidget* parent = nullptr);

    [[nodiscard]] analysis::GroupBy groupBy() const;
    void setGroupBy(analysis::GroupBy by);
    /// Disables the groups that a report has nothing of; when it has none of the one chosen, the first it has is chosen, without
    /// groupByChanged().
    void offerGroupsOf(const trace::Trace& trace);
    /// `scope` says what the rows are about: "the whole report", "1.2 ms of 2.0 s".
    void setRows(std::vector<analysis::ActivityRow> rows, const QString& scope);
    void clear();
    [[nodiscard]] QTableView& view() { return *m_view; }

signals:
    void groupByChanged();
    /// The user wants to see the events of this row.
    void rowActivated(const gantry::analysis::ActivityRow& row);

private:
    StatisticsModel* m_model;
    QSortFilterProxyModel* m_sorted;
    QTableView* m_view;
    QComboBox* m_groupBox;
    QLabel* m_scope;
};

} // namespace gantry::widgets
