#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <array>
#include <memory>

class QTabBar;
class QTabWidget;

namespace gantry::widgets {

class AlignmentBox;
class ComparisonTable;
class DistributionView;
class ElidedLabel;
class Legend;
class TimelineWidget;
class VerdictPanel;
class WaterfallView;

/// The verdict, and below it two timelines above each other that show the same range, counted from what they are aligned by, and what
/// differs beside them, or, in a window too narrow for both, behind a tab.
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
    [[nodiscard]] WaterfallView& waterfall() { return *m_waterfall; }
    [[nodiscard]] DistributionView& distribution() { return *m_distribution; }
    /// The waterfall in place of the table, or the table again.
    void showWaterfall(bool isShown);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void follow(int from);
    void align();
    /// Shows what there is room for.
    void arrange();

    std::array<TimelineWidget*, 2> m_timelines;
    std::array<ElidedLabel*, 2> m_labels;
    VerdictPanel* m_verdict;
    ComparisonTable* m_table;
    DistributionView* m_distribution; ///< of the table's current row
    WaterfallView* m_waterfall;
    AlignmentBox* m_alignment;
    Legend* m_legend;
    QWidget* m_left; ///< both timelines and their legend
    QTabWidget* m_differences; ///< the table, the waterfall
    QTabBar* m_tabs; ///< of a narrow window: the timelines, what differs
    DurationNs m_shift = 0; ///< from a time of A to that of B beside it
};

} // namespace gantry::widgets
