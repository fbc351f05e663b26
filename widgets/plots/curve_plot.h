#pragma once

#include "widgets/plots/time_plot.h"

#include <vector>

class QCPGraph;
class QCPItemStraightLine;

namespace gantry::widgets {

/// Curves over time, each for itself or stacked on each other, with thresholds as dashed lines. UI thread.
class CurvePlot : public TimePlot
{
    Q_OBJECT

public:
    explicit CurvePlot(QWidget* parent = nullptr);

    void applyTheme(const Theme& theme, const QFont& font) override;

protected:
    void draw(const Theme& theme) override;
    void showValues(const Theme& theme) override;

private:
    void setThresholds(const Theme& theme);
    void colorCurves(const Theme& theme);
    /// Returns the largest value.
    double setPoints(QCPGraph& graph, const std::vector<metrics::Point>& points) const;

    std::vector<QCPItemStraightLine*> m_thresholds;
    double m_top = 0; ///< of the axis; 0: there is none yet
};

} // namespace gantry::widgets
