#pragma once

#include "trace_model/analysis/comparison.h"

#include <QTreeWidget>

namespace gantry::widgets {

/// What differs between A and B: throughput and latency, phases, memcpys, kernels. One-sided rows say so.
class ComparisonTable : public QTreeWidget
{
    Q_OBJECT

public:
    enum Column { Name, A, B, Difference, Ratio, ColumnCount };

    explicit ComparisonTable(QWidget* parent = nullptr);

    void setComparison(const analysis::Comparison& comparison);

protected:
    void changeEvent(QEvent* event) override;

private:
    void addSection(const QString& title, const std::vector<analysis::ComparisonRow>& rows, bool showsCounts);
    void fill();

    analysis::Comparison m_comparison;
};

} // namespace gantry::widgets
