#pragma once

#include "widgets/plots/time_plot.h"

#include <vector>

namespace gantry::widgets {

/// A strip for each curve that says which value it had: names where the panel has them, colours by value, and those of thresholds where one
/// is reached. UI thread.
class StatePlot : public TimePlot
{
    Q_OBJECT

public:
    /// A stretch of one value.
    struct Run
    {
        TimeRange time;
        double value = 0;
    };

    explicit StatePlot(QWidget* parent = nullptr);

    /// Stretches of a curve, as they are drawn; none over what was not measured.
    [[nodiscard]] std::vector<Run> runsOf(const PlotCurve& curve) const;
    /// What a value is called: "P0", or its number.
    [[nodiscard]] QString stateText(double value) const;
    [[nodiscard]] QColor stateColor(double value, const Theme& theme) const;

protected:
    void draw(const Theme& theme) override;
    void showValues(const Theme& theme) override;

private:
    class Strips;
    Strips* m_strips; ///< owned by the plot
};

} // namespace gantry::widgets
