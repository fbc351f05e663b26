#pragma once

#include "trace_model/analysis/sweep/sweep.h"

#include <QColor>
#include <QString>
#include <QWidget>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

class QCustomPlot;

namespace gantry::widgets {

/// Throughput against p99 of a sweep's points, the front as a line, and points coloured by what was set. Points with failures or losses
/// are hollow. UI thread.
class SweepPlot : public QWidget
{
    Q_OBJECT

public:
    explicit SweepPlot(QWidget* parent = nullptr);

    void setSweep(std::shared_ptr<const sweep::Sweep> sweep);
    /// Name of the parameter whose values have colours of their own; empty: all points have one.
    void setColoredBy(const std::string& parameter);
    void setSelected(std::vector<std::size_t> points);

    /// Where a point is drawn, in this widget; nothing: it lacks one of the figures.
    [[nodiscard]] std::optional<QPoint> positionOf(std::size_t point) const;
    /// The point under the mouse, or close to it.
    [[nodiscard]] std::optional<std::size_t> pointAt(const QPoint& position) const;
    [[nodiscard]] QString toolTipOf(std::size_t point) const;
    /// The values that points are coloured by, with their colours.
    [[nodiscard]] const std::vector<std::pair<QString, QColor>>& colors() const { return m_colors; }

signals:
    void colorsChanged();
    void pointClicked(std::size_t point, bool isAdded);
    void pointActivated(std::size_t point);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void draw();
    void drawFront();
    void drawPoints();
    void drawSelection();

    std::shared_ptr<const sweep::Sweep> m_sweep;
    std::string m_coloredBy;
    std::vector<std::size_t> m_selected;
    std::vector<std::pair<QString, QColor>> m_colors;
    QCustomPlot* m_plot;
};

} // namespace gantry::widgets
