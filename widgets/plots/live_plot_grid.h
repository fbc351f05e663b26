#pragma once

#include "trace_model/base/time.h"
#include "widgets/plots/plot_panel.h"

#include <QWidget>

#include <map>
#include <memory>
#include <optional>
#include <vector>

class QGridLayout;

namespace gantry::widgets {

/// A plot for each panel, in two columns, all on one time axis that ends now. UI thread.
class LivePlotGrid : public QWidget
{
    Q_OBJECT

public:
    explicit LivePlotGrid(QWidget* parent = nullptr);
    ~LivePlotGrid() override;

    /// Draws `panels` over `window`; the axis counts the time back from `now`, or from the window's end. A gap of more than `longestGap`
    /// breaks a curve: there was no sample, and nothing is drawn through it. Neither does one go over a time of `breaks` (oldest first),
    /// however close its points are.
    void setPanels(const std::vector<PlotPanel>& panels, TimeRange window, DurationNs longestGap,
                   const std::vector<TimestampNs>& breaks = {}, std::optional<TimestampNs> now = {});

    /// Title and newest values of a plot as it shows them: "bert_base 20.1 req/s"; empty for an unknown key.
    [[nodiscard]] QString legendText(const QString& key) const;

protected:
    void changeEvent(QEvent* event) override;

private:
    class Plot;

    void applyTheme();

    QGridLayout* m_grid;
    std::map<QString, std::unique_ptr<Plot>> m_plots; ///< by panel key
    std::vector<QString> m_order;
};

} // namespace gantry::widgets
