#include "app/desktop/alert_dialog.h"

#include "app/desktop/text.h"
#include "trace_model/metrics/alert_condition.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace gantry::desktop {
namespace {

constexpr double kSecond = 1e9;
constexpr double kLeastPause = 60; // s: gantryd keeps it between two actions whatever a rule says
constexpr double kLongestSeconds = 7 * 86'400;

QDoubleSpinBox* secondsBox(const char* name, DurationNs value, QWidget* parent)
{
    auto* box = new QDoubleSpinBox(parent);
    box->setObjectName(QLatin1String(name));
    box->setRange(0, kLongestSeconds);
    box->setDecimals(1);
    box->setSuffix(AlertDialog::tr(" s"));
    box->setValue(static_cast<double>(value) / kSecond);
    return box;
}

DurationNs timeOf(const QDoubleSpinBox& box)
{
    return static_cast<DurationNs>(box.value() * kSecond);
}

} // namespace

AlertDialog::AlertDialog(const QString& nodeTitle, const proto::AlertRule& rule, const std::vector<proto::Target>& targets, QWidget* parent)
    : QDialog(parent),
      m_before(rule),
      m_condition(new QLineEdit(toQString(rule.condition), this)),
      m_name(new QLineEdit(toQString(rule.name), this)),
      m_quiet(new QLineEdit(toQString(rule.quietHours), this)),
      m_for(secondsBox("alertFor", rule.forNs, this)),
      m_cooldown(secondsBox("alertCooldown", rule.cooldownNs, this)),
      m_action(new QComboBox(this)),
      m_target(new QComboBox(this)),
      m_isOn(new QCheckBox(tr("&Watch it"), this)),
      m_notifies(new QCheckBox(tr("Notify connected &desktops"), this)),
      m_problem(new QLabel(this)),
      m_buttons(new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this))
{
    setWindowTitle(rule.id.empty() ? tr("Watch something on %1").arg(nodeTitle) : tr("What %1 watches").arg(nodeTitle));
    m_condition->setObjectName(QStringLiteral("alertCondition"));
    m_condition->setPlaceholderText(QStringLiteral("p99 queue > 5ms"));
    m_condition->setMinimumWidth(320);
    m_condition->setToolTip(
        tr("p99 queue > 5ms — a metric, a comparison, a value with its unit\nabsent nv_inference_count — nothing is measured "
           "of it\nanomaly gpu_power_w > 30% — that far from its median of the last hour"));
    m_name->setObjectName(QStringLiteral("alertName"));
    m_name->setPlaceholderText(tr("the condition"));
    m_quiet->setObjectName(QStringLiteral("alertQuiet"));
    m_quiet->setPlaceholderText(QStringLiteral("22:00-07:00"));
    m_quiet->setToolTip(tr("In these hours of the node's day it is noted, and nothing is done"));
    m_cooldown->setRange(kLeastPause, kLongestSeconds);
    m_cooldown->setDecimals(0);
    m_cooldown->setToolTip(tr("How long nothing more is done after it was done; a minute at least"));
    m_action->setObjectName(QStringLiteral("alertAction"));
    m_action->addItems({tr("note it"), tr("save the last 10 s of flight recorders"), tr("capture a second of a server")});
    m_action->setCurrentIndex(static_cast<int>(rule.action));
    m_target->setObjectName(QStringLiteral("alertTarget"));
    offerTargets(targets, rule.targetId);
    m_isOn->setObjectName(QStringLiteral("alertIsOn"));
    m_isOn->setChecked(!rule.isOff);
    m_notifies->setObjectName(QStringLiteral("alertNotifies"));
    m_notifies->setChecked(rule.notifies);
    m_problem->setObjectName(QStringLiteral("alertProblem"));
    m_problem->setWordWrap(true);
    m_problem->setTextFormat(Qt::PlainText);
    auto* form = new QFormLayout;
    form->addRow(tr("&When"), m_condition);
    form->addRow(tr("holds &for"), m_for);
    form->addRow(tr("&then"), m_action);
    form->addRow(tr("&server"), m_target);
    form->addRow(tr("not again &before"), m_cooldown);
    form->addRow(tr("not in the &hours"), m_quiet);
    form->addRow(tr("&Name"), m_name);
    form->addRow(QString(), m_notifies);
    form->addRow(QString(), m_isOn);
    auto* column = new QVBoxLayout(this);
    column->addLayout(form);
    column->addWidget(m_problem);
    column->addWidget(m_buttons);
    connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_condition, &QLineEdit::textChanged, this, &AlertDialog::refresh);
    connect(m_action, &QComboBox::currentIndexChanged, this, &AlertDialog::refresh);
    refresh();
}

proto::AlertRule AlertDialog::rule() const
{
    proto::AlertRule rule = m_before;
    rule.condition = m_condition->text().trimmed().toStdString();
    rule.name = m_name->text().trimmed().toStdString();
    rule.quietHours = m_quiet->text().trimmed().toStdString();
    rule.forNs = timeOf(*m_for);
    rule.cooldownNs = timeOf(*m_cooldown);
    rule.action = static_cast<proto::AlertAction>(m_action->currentIndex());
    rule.targetId = rule.action == proto::AlertAction::Capture ? m_target->currentData().toString().toStdString() : std::string();
    rule.isOff = !m_isOn->isChecked();
    rule.notifies = m_notifies->isChecked();
    return rule;
}

/// What the node would refuse is said before it is asked.
/// By their names, which a restart does not change. One that has gone is not replaced by another unasked.
void AlertDialog::offerTargets(const std::vector<proto::Target>& targets, std::string chosen)
{
    for (const proto::Target& target : targets) {
        if (target.state != proto::TargetState::Running)
            continue;
        if (target.id == chosen)
            chosen = target.name;
        if (m_target->findData(toQString(target.name)) < 0)
            m_target->addItem(toQString(target.name), toQString(target.name));
    }
    if (!chosen.empty() && m_target->findData(toQString(chosen)) < 0)
        m_target->addItem(tr("%1 (does not run)").arg(toQString(chosen)), toQString(chosen));
    m_target->setCurrentIndex(std::max(0, m_target->findData(toQString(chosen))));
}

void AlertDialog::refresh()
{
    const bool captures = static_cast<proto::AlertAction>(m_action->currentIndex()) == proto::AlertAction::Capture;
    m_target->setEnabled(captures);
    m_cooldown->setEnabled(m_action->currentIndex() != static_cast<int>(proto::AlertAction::Mark)); // noting it needs no pause
    QString problem;
    if (!m_condition->text().trimmed().isEmpty())
        if (const auto condition = metrics::AlertCondition::parse(rule().condition); !condition)
            problem = toQString(condition.error().message);
    if (problem.isEmpty() && captures && m_target->count() == 0)
        problem = tr("No server runs on this node: launch one first.");
    m_problem->setText(problem);
    m_problem->setVisible(!problem.isEmpty());
    m_buttons->button(QDialogButtonBox::Ok)->setEnabled(problem.isEmpty() && !m_condition->text().trimmed().isEmpty());
}

} // namespace gantry::desktop
