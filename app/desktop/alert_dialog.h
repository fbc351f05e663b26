#pragma once

#include "remote_server/proto/live_types.h"
#include "remote_server/proto/node_types.h"

#include <QDialog>

#include <string>
#include <vector>

class QCheckBox;
class QComboBox;
class QDialogButtonBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;

namespace gantry::desktop {

/// Asks what a node is to watch, and what it does then. UI thread.
class AlertDialog : public QDialog
{
    Q_OBJECT

public:
    /// `rule` with an empty id: a new one.
    AlertDialog(const QString& nodeTitle, const proto::AlertRule& rule, const std::vector<proto::Target>& targets,
                QWidget* parent = nullptr);

    [[nodiscard]] proto::AlertRule rule() const;

private:
    void offerTargets(const std::vector<proto::Target>& targets, std::string chosen);
    void refresh();

    proto::AlertRule m_before;
    QLineEdit *m_condition, *m_name, *m_quiet;
    QDoubleSpinBox *m_for, *m_cooldown; ///< s
    QComboBox *m_action, *m_target;
    QCheckBox *m_isOn, *m_notifies;
    QLabel* m_problem;
    QDialogButtonBox* m_buttons;
};

} // namespace gantry::desktop
