#pragma once

#include "app/desktop/alert_commands.h"

#include <QDialog>

class QCheckBox;
class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace gantry::desktop {

/// What this machine runs when a rule fires, to be changed. UI thread.
class AlertCommandDialog : public QDialog
{
    Q_OBJECT

public:
    AlertCommandDialog(const QString& rule, const AlertCommand& command, QWidget* parent = nullptr);

    [[nodiscard]] AlertCommand command() const;

private:
    void refresh();

    QLineEdit* m_words;
    QSpinBox* m_limit;
    QCheckBox* m_isOn;
    QLabel* m_problem;
    QDialogButtonBox* m_buttons;
};

} // namespace gantry::desktop
