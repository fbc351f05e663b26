#pragma once

#include "trace_model/base/time.h"
#include "trace_model/import/import_report.h"
#include "trace_model/trace/trace_loader.h"

#include <QDialog>

#include <optional>
#include <vector>

class QCheckBox;
class QDoubleSpinBox;

namespace gantry::desktop {

/// Asks for what is added to the times of each file of a report: a line for each file with how its clock was aligned, and an offset by
/// hand where that is wrong. UI thread.
class ClockOffsetsDialog : public QDialog
{
    Q_OBJECT

public:
    /// `imports`: what was read of the files, in their order.
    ClockOffsetsDialog(const std::vector<trace::LoadFile>& files, const std::vector<importing::ImportReport>& imports,
                       QWidget* parent = nullptr);

    /// For each file; nothing: as the clocks of the files say.
    [[nodiscard]] std::vector<std::optional<DurationNs>> offsets() const;

private:
    struct Line
    {
        QCheckBox* isByHand;
        QDoubleSpinBox* milliseconds;
    };
    std::vector<Line> m_lines;
};

} // namespace gantry::desktop
