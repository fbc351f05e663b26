#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/counterparts.h"
#include "trace_model/analysis/window_alignment.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <array>
#include <memory>
#include <optional>

class QMouseEvent;
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
    /// Other figures of the same two reports: of what is cut where they are aligned.
    void setComparison(const analysis::Comparison& comparison);
    /// Why what was asked for cannot be aligned; said until another alignment is chosen.
    void setAlignmentError(const QString& sentence);
    /// By what the mouse finds what it is over in the other report.
    void setCounterparts(std::shared_ptr<const analysis::Counterparts> counterparts);
    /// By what both are aligned; absent: all of both is compared.
    [[nodiscard]] std::optional<analysis::WindowAlignment> alignment() const;
    /// 0 = A, 1 = B.
    [[nodiscard]] TimelineWidget& timeline(int side) { return *m_timelines[static_cast<std::size_t>(side)]; }
    [[nodiscard]] ComparisonTable& table() { return *m_table; }
    [[nodiscard]] WaterfallView& waterfall() { return *m_waterfall; }
    [[nodiscard]] DistributionView& distribution() { return *m_distribution; }
    /// The waterfall in place of the table, or the table again.
    void showWaterfall(bool isShown);

signals:
    /// The figures are to be those of what is aligned.
    void alignmentChanged();

protected:
    void resizeEvent(QResizeEvent* event) override;
    /// Drags a timeline along the other one, and follows the mouse over events.
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    QWidget* columnOf(std::size_t side, QWidget* parent);
    void follow(int from);
    void align();
    void alignSelections();
    /// So far a time of B lies behind that of A beside it.
    void setShift(DurationNs shift);
    void setShiftByHand(DurationNs shift);
    /// Whether the mouse drags a timeline along the other one.
    bool dragByHand(int side, const QMouseEvent& event);
    void showCounterpart(int side, QPoint point);
    void showNote(const QString& text);
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
    ElidedLabel* m_note;   ///< what of both is compared, or what the mouse is over in both
    QString m_restingNote; ///< with the mouse elsewhere
    std::shared_ptr<const analysis::Counterparts> m_counterparts;
    std::array<TimestampNs, 2> m_aligned{}; ///< from where counterparts are counted
    DurationNs m_shift = 0; ///< from a time of A to that of B beside it
    std::optional<int> m_draggedFrom; ///< x of the mouse when it began to drag
    DurationNs m_shiftAtPress = 0;
};

} // namespace gantry::widgets
