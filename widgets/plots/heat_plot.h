#pragma once

#include "widgets/plots/time_plot.h"

#include <map>
#include <vector>

class QCPColorMap;

namespace gantry::widgets {

/// Values as colours over time: of a histogram a row for each of its buckets, coloured by how many values fell into it per second, with the
/// median and the 99th percentile in the head; of other curves a row for each. What was not measured has no colour. UI thread.
class HeatPlot : public TimePlot
{
    Q_OBJECT

public:
    explicit HeatPlot(QWidget* parent = nullptr);

    void applyTheme(const Theme& theme, const QFont& font) override;

    /// What a row shows at a time; absent: nothing was measured. Rows are counted from below.
    [[nodiscard]] std::optional<double> valueAt(std::size_t row, TimestampNs time) const;
    [[nodiscard]] std::size_t rows() const { return m_rows.size(); }

protected:
    void draw(const Theme& theme) override;
    void showValues(const Theme& theme) override;

private:
    /// Cumulative counts per second of the buckets at a time, by upper bound; empty: none.
    [[nodiscard]] std::map<double, double> countsAt(TimestampNs time) const;
    void sortRows();
    void labelRows();
    void fillCells();

    QCPColorMap* m_map;                   ///< owned by the plot
    std::vector<const PlotCurve*> m_rows; ///< of panel(), from below
    bool m_isHistogram = false;
};

} // namespace gantry::widgets
