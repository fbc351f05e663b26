#pragma once

#include "trace_model/analysis/sweep/sweep.h"

#include <QWidget>

#include <filesystem>
#include <memory>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QTableView;

namespace gantry::widgets {

class SweepModel;
class SweepOrder;
class SweepPlot;

/// A sweep as a picture and as a table below it, with the same points selected in both. UI thread.
class SweepView : public QWidget
{
    Q_OBJECT

public:
    explicit SweepView(QWidget* parent = nullptr);

    void setSweep(std::shared_ptr<const sweep::Sweep> sweep);
    [[nodiscard]] SweepPlot& plot() { return *m_plot; }
    [[nodiscard]] QTableView& table() { return *m_table; }
    /// Selected points, of Sweep::points, rising.
    [[nodiscard]] std::vector<std::size_t> selected() const;
    void select(std::size_t point, bool isAdded = false);

signals:
    void reportRequested(const std::filesystem::path& report);
    void comparisonRequested(const std::filesystem::path& a, const std::filesystem::path& b);

private:
    void fillColors();
    /// Which colour is which value.
    void showKey();
    void showWhatIsSaid();
    void refreshButtons();
    void open(std::size_t point);
    [[nodiscard]] std::vector<std::filesystem::path> selectedReports() const;

    std::shared_ptr<const sweep::Sweep> m_sweep;
    SweepModel* m_model;
    SweepOrder* m_order;
    SweepPlot* m_plot;
    QTableView* m_table;
    QComboBox* m_color;
    QLabel *m_key, *m_sentence;
    QPushButton *m_open, *m_compare;
};

} // namespace gantry::widgets
