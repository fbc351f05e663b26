#pragma once

#include "trace_model/analysis/kernel_stats.h"

#include <QAbstractTableModel>

#include <vector>

namespace gantry::widgets {

/// Rows of an activity table.
class StatisticsModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        Name,
        Count,
        Total,
        Share,
        Mean,
        Min,
        P50,
        P95,
        P99,
        Max,
        Shape,
        Bytes,
        ColumnCount
    };
    /// Role of the number behind a cell, for sorting and for copying; of the header: its name with the unit of those.
    static constexpr int kNumberRole = Qt::UserRole;
    /// Role of a row's DurationHistogram, of the column Shape.
    static constexpr int kHistogramRole = Qt::UserRole + 1;

    explicit StatisticsModel(QObject* parent = nullptr);
    /// `gaps`: why counts and totals are low (see analysis::gapsOf()); they are marked where it is not empty.
    void setRows(std::vector<analysis::ActivityRow> rows, const QString& gaps = {});
    [[nodiscard]] const analysis::ActivityRow& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<analysis::ActivityRow> m_rows;
    QString m_gaps;
};

} // namespace gantry::widgets

Q_DECLARE_METATYPE(gantry::analysis::DurationHistogram)
