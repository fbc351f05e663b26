#pragma once

#include "remote_server/proto/management_types.h"

#include <QDialog>

class QCheckBox;
class QDoubleSpinBox;
class QLabel;

namespace gantry::desktop {

/// Asks which reports a node is to keep. UI thread.
class ReportPolicyDialog : public QDialog
{
    Q_OBJECT

public:
    ReportPolicyDialog(const QString& nodeTitle, const proto::ReportPolicy& policy, QWidget* parent = nullptr);

    [[nodiscard]] proto::ReportPolicy policy() const;

private:
    /// A bound that holds where it is ticked.
    struct Bound
    {
        QCheckBox* isBound;
        QDoubleSpinBox* value;
        double unit; ///< bytes or ns
    };
    [[nodiscard]] Bound makeBound(const char* name, const QString& text, const QString& suffix, double unit, double now, double usual);
    [[nodiscard]] static double valueOf(const Bound& bound);
    void refresh();

    Bound m_total, m_age, m_free;
    QLabel* m_note;
};

/// "at most 20.0 GiB in all · at most 30 days old · 10.0 GiB of the disk stay free"; what a policy without bounds does.
[[nodiscard]] QString policyText(const proto::ReportPolicy& policy);

} // namespace gantry::desktop
