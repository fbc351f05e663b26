#pragma once

#include "trace_model/analysis/comparison.h"

#include <QTreeWidget>

namespace gantry::widgets {

/// What differs between A and B: throughput and latency, phases, memcpys, kernels. One-sided rows say so. Where there is no room for the
/// difference beside the ratio, it is in the ratio's tooltip.
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
        ColumnCount
    };

    explicit ComparisonTable(QWidget* parent = nullptr);

    void setComparison(const analysis::Comparison& comparison);

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void addSection(const QString& title, const std::vector<analysis::ComparisonRow>& rows, bool showsCounts);
    void fill();
    void hideWhatHasNoRoom();

    analysis::Comparison m_comparison;
};

} // namespace gantry::widgets
