#pragma once

#include "trace_model/analysis/comparison.h"

#include <QWidget>

#include <optional>

namespace gantry::widgets {

/// The values of one row of a comparison, A's over B's: how large a share of each side took no longer than a time, with n, median, p95 and
/// p99 beside it. UI thread.
class DistributionView : public QWidget
{
    Q_OBJECT

public:
    explicit DistributionView(QWidget* parent = nullptr);

    /// Nothing: what to do is said.
    void setRow(const std::optional<analysis::ComparisonRow>& row);
    [[nodiscard]] const std::optional<analysis::ComparisonRow>& row() const { return m_row; }

    [[nodiscard]] QSize sizeHint() const override { return {300, 150}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {160, 110}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void paintCurves(QPainter& painter, const QRect& plot) const;

    std::optional<analysis::ComparisonRow> m_row;
};

} // namespace gantry::widgets
