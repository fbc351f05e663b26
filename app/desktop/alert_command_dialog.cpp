#include "app/desktop/alert_command_dialog.h"

#include "app/desktop/text.h"
#include "app/remote/command_words.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

namespace gantry::desktop {

AlertCommandDialog::AlertCommandDialog(const QString& rule, const AlertCommand& command, QWidget* parent)
    : QDialog(parent),
      m_words(new QLineEdit(command.words, this)),
      m_limit(new QSpinBox(this)),
      m_isOn(new QCheckBox(tr("&Run it when the rule fires"), this)),
      m_problem(new QLabel(this)),
      m_buttons(new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this))
{
    setWindowTitle(tr("What this machine runs for \"%1\"").arg(rule));
    m_words->setObjectName(QStringLiteral("commandWords"));
    m_words->setPlaceholderText(QStringLiteral("notify-send -u critical \"GPU node\""));
    m_words->setMinimumWidth(360);
    m_limit->setObjectName(QStringLiteral("commandLimit"));
    m_limit->setRange(1, AlertCommand::kLongestSeconds);
    m_limit->setSuffix(tr(" s"));
    m_limit->setValue(command.limitSeconds);
    m_isOn->setObjectName(QStringLiteral("commandIsOn"));
    m_isOn->setChecked(command.isOn);
    m_problem->setObjectName(QStringLiteral("commandProblem"));
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    auto* about =
        new QLabel(tr("A program of this machine with its arguments; no shell reads them, and the node neither knows nor changes "
                      "them. It finds GANTRY_ALERT_NODE, _RULE, _CONDITION, _VALUE, _SINCE and _DONE in its environment, and runs "
                      "while this window is open."),
                   this);
    about->setWordWrap(true);
    about->setForegroundRole(QPalette::PlaceholderText);
    auto* form = new QFormLayout;
    form->addRow(tr("&Command"), m_words);
    form->addRow(tr("&Ended after"), m_limit);
    form->addRow(QString(), m_isOn);
    auto* column = new QVBoxLayout(this);
    column->addLayout(form);
    column->addWidget(about);
    column->addWidget(m_problem);
    column->addWidget(m_buttons);
    connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_words, &QLineEdit::textChanged, this, &AlertCommandDialog::refresh);
    connect(m_isOn, &QCheckBox::toggled, this, &AlertCommandDialog::refresh);
    refresh();
}

AlertCommand AlertCommandDialog::command() const
{
    return {m_words->text().trimmed(), m_limit->value(), m_isOn->isChecked()};
}

void AlertCommandDialog::refresh()
{
    const AlertCommand now = command();
    QString problem;
    if (!now.words.isEmpty() || now.isOn)
        if (const auto words = app::splitCommandWords(now.words.toStdString()); !words)
            problem = toQString(words.error().message);
    m_problem->setText(problem);
    m_problem->setVisible(!problem.isEmpty());
    m_buttons->button(QDialogButtonBox::Ok)->setEnabled(problem.isEmpty());
}

} // namespace gantry::desktop
