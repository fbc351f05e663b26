#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <array>
#include <memory>

class QTabBar;

namespace gantry::widgets {

class ComparisonTable;
class ElidedLabel;
class Legend;
class TimelineWidget;

/// Two timelines above each other that show the same range, counted from each report's start, and what differs beside them, or, in a
/// window too narrow for both, behind a tab.
class CompareView : public QWidget
{
    Q_OBJECT

public:
    explicit CompareView(QWidget* parent = nullptr);
    ~CompareView() override;

    void setReports(std::shared_ptr<const trace::Trace> a, const QString& nameA, std::shared_ptr<const trace::Trace> b,
                    const QString& nameB, const analysis::Comparison& comparison);
    /// 0 = A, 1 = B.
    [[nodiscard]] TimelineWidget& timeline(int side) { return *m_timelines[static_cast<std::size_t>(side)]; }
    [[nodiscard]] ComparisonTable& table() { return *m_table; }

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void follow(int from);
    /// Shows what there is room for.
    void arrange();

    std::array<TimelineWidget*, 2> m_timelines;
    std::array<ElidedLabel*, 2> m_labels;
    ComparisonTable* m_table;
    Legend* m_legend;
    QWidget* m_left; ///< both timelines and their legend
    QTabBar* m_tabs; ///< of a narrow window: the timelines, what differs
};

} // namespace gantry::widgets
