#pragma once

#include "trace_model/analysis/comparison.h"

#include <QTreeWidget>

#include <optional>
#include <vector>

namespace gantry::widgets {

/// What differs between A and B: throughput and latency, phases, executions, GPU, memcpys, kernels, calls, ranges, metrics, each row with
/// its confidence interval and corrected p-value. One-sided rows say so. What there is no room for beside the ratio is in the ratio's
/// tooltip.
class ComparisonTable : public QTreeWidget
{
    Q_OBJECT

public:
    enum Column
    {
        Name,
        A,
        B,
        Difference,
        Ratio,
        Interval,    ///< of 95 %, as shares of A
        Probability, ///< corrected p-value, or why there is none
        ColumnCount
    };

    explicit ComparisonTable(QWidget* parent = nullptr);

    void setComparison(const analysis::Comparison& comparison);
    /// The row of the current item. Nothing: none, or a heading.
    [[nodiscard]] std::optional<analysis::ComparisonRow> currentRow() const;

    /// Makes the first row of that kind the current one, if there is one.
    void chooseFirst(analysis::RowKind kind);

signals:
    void rowChosen();

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void addSection(const QString& title, const std::vector<analysis::ComparisonRow>& rows, bool showsCounts);
    void fill();
    void hideWhatHasNoRoom();

    void showChange(QTreeWidgetItem& item, const analysis::ComparisonRow& row) const;

    analysis::Comparison m_comparison;
    std::vector<const analysis::ComparisonRow*> m_rows; ///< in m_comparison, by the number that an item has
};

} // namespace gantry::widgets
