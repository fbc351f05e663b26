#pragma once

#include "trace_model/analysis/window_alignment.h"

#include <QWidget>

#include <string>
#include <vector>

class QComboBox;
class QSpinBox;

namespace gantry::widgets {

/// By what two timelines are aligned: their start, a request by its number, or an NVTX range that both have. UI thread.
class AlignmentBox : public QWidget
{
    Q_OBJECT

public:
    explicit AlignmentBox(QWidget* parent = nullptr);

    /// What can be chosen: requests where both have some, and these ranges. Goes back to the start.
    void setChoices(bool hasRequests, const std::vector<std::string>& ranges);
    [[nodiscard]] analysis::WindowAlignment alignment() const;

signals:
    void alignmentChanged();

private:
    QComboBox* m_by;
    QSpinBox* m_number; ///< from 1
};

} // namespace gantry::widgets
