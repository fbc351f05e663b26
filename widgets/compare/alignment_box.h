#pragma once

#include "trace_model/analysis/window_alignment.h"

#include <QWidget>

#include <optional>
#include <string>
#include <vector>

class QComboBox;
class QLabel;
class QSpinBox;
class QToolButton;

namespace gantry::widgets {

/// By what two timelines are aligned, and what is compared is cut: a request by its number, an NVTX range that both have, by iteration, or
/// by hand. UI thread.
class AlignmentBox : public QWidget
{
    Q_OBJECT

public:
    explicit AlignmentBox(QWidget* parent = nullptr);

    /// What can be chosen: requests where both have some, and these ranges. Goes back to whole windows.
    void setChoices(bool hasRequests, const std::vector<std::string>& ranges);
    /// Absent: beside each other from their start, and all of both is compared.
    [[nodiscard]] std::optional<analysis::WindowAlignment> alignment() const;
    /// By hand: so far a time of B lies behind that of A beside it, counted from the start of each. Not announced.
    void setByHand(DurationNs shift, DurationNs offset);
    /// Whether something is selected in both timelines, that could be put beside each other.
    void setSelectionsInBoth(bool isInBoth);

signals:
    void alignmentChanged();
    /// What is selected in both is to lie beside each other.
    void selectionsWanted();

private:
    void choose(int item);

    QComboBox* m_by;
    QSpinBox* m_number; ///< from 1
    QLabel* m_offset;   ///< by hand
    QToolButton *m_reset, *m_selections;
    DurationNs m_shift = 0;
};

} // namespace gantry::widgets
