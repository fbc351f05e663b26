#include "app/desktop/alert_panel.h"

#include "app/desktop/alert_command_dialog.h"
#include "app/desktop/alert_commands.h"
#include "app/desktop/alert_dialog.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"
#include "widgets/tables/table_rows.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/theme.h"

#include <QDateTime>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>

namespace gantry::desktop {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 1s;
constexpr std::size_t kEventsShown = 5;

enum Column
{
    kState,
    kName,
    kCondition,
    kValue,
    kAction,
    kColumns
};

QString phaseText(const proto::AlertState& state)
{
    if (state.rule.isOff)
        return AlertPanel::tr("off");
    switch (state.phase) {
    case proto::AlertPhase::NoData:
        return AlertPanel::tr("no data");
    case proto::AlertPhase::Ok:
        return AlertPanel::tr("ok");
    case proto::AlertPhase::Pending:
        return AlertPanel::tr("pending");
    case proto::AlertPhase::Firing:
        return AlertPanel::tr("FIRING");
    }
    return {};
}

QString actionText(proto::AlertAction action)
{
    switch (action) {
    case proto::AlertAction::Mark:
        return AlertPanel::tr("is noted");
    case proto::AlertAction::SaveRecorder:
        return AlertPanel::tr("saves recorders");
    case proto::AlertAction::Capture:
        return AlertPanel::tr("captures");
    }
    return {};
}

QString eventText(const proto::AlertEvent& event)
{
    const QString time = QDateTime::fromMSecsSinceEpoch(event.utcNs / 1'000'000).toString(QStringLiteral("MM-dd HH:mm:ss"));
    QString text = event.phase == proto::AlertPhase::Firing ? AlertPanel::tr("%1  began").arg(time) : AlertPanel::tr("%1  ended").arg(time);
    if (!event.value.empty())
        text += QStringLiteral(": ") + toQString(event.value);
    if (!event.done.empty())
        text += QStringLiteral("; ") + toQString(event.done);
    return text;
}

} // namespace

AlertPanel::AlertPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent)
    : PolledPanel(node, runner, kInterval, parent),
      m_table(new QTableWidget(0, kColumns, this)),
      m_events(new QLabel(this)),
      m_add(new QPushButton(tr("&Watch…"), this)),
      m_edit(new QPushButton(tr("&Change…"), this)),
      m_remove(new QPushButton(tr("&Delete"), this)),
      m_command(new QPushButton(tr("&On this machine…"), this))
{
    setContent(*buildContent());
    connect(m_table, &QTableWidget::itemSelectionChanged, this, &AlertPanel::refreshEvents);
    connect(m_table, &QTableWidget::cellDoubleClicked, m_edit, &QPushButton::click);
    connect(m_add, &QPushButton::clicked, this, [this] { edit({}); });
    connect(m_edit, &QPushButton::clicked, this, [this] {
        if (const proto::AlertState* state = selected())
            edit(proto::AlertRule(state->rule));
    });
    connect(m_remove, &QPushButton::clicked, this, &AlertPanel::removeSelected);
    connect(m_command, &QPushButton::clicked, this, &AlertPanel::editCommand);
    m_command->hide();
    refreshEvents();
}

AlertPanel::~AlertPanel() = default;

QWidget* AlertPanel::buildContent()
{
    m_table->setObjectName(QStringLiteral("alertTable"));
    m_table->setAccessibleName(tr("What the node watches"));
    m_table->setHorizontalHeaderLabels({tr("State"), tr("Name"), tr("Condition"), tr("Now"), tr("When it fires, it")});
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    widgets::applyTableStyle(*m_table, kValue);
    m_events->setObjectName(QStringLiteral("alertEvents"));
    m_events->setTextFormat(Qt::PlainText);
    m_events->setWordWrap(true);
    m_events->setContentsMargins(10, 4, 10, 6);
    for (const auto& [button, name] : {std::pair(m_add, "alertAdd"), std::pair(m_edit, "alertEdit"), std::pair(m_remove, "alertRemove"),
                                       std::pair(m_command, "alertCommand")})
        button->setObjectName(QLatin1String(name));
    m_command->setToolTip(tr("Run a program of this machine when the rule fires"));
    m_add->setToolTip(tr("Have the node watch a metric, with nobody connected too"));
    auto* content = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_add);
    bar->addWidget(m_edit);
    bar->addWidget(m_remove);
    bar->addWidget(m_command);
    bar->addStretch(1);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    column->addWidget(m_events);
    return content;
}

void AlertPanel::ask()
{
    poll(
        tr("Asking %1 what it watches…").arg(node()->title()),
        [](app::NodeClient& client, const std::stop_token& stop) { return client.alertRules(stop); },
        [this](std::vector<proto::AlertState> rules) { show(std::move(rules)); });
}

void AlertPanel::show(std::vector<proto::AlertState> rules)
{
    const proto::AlertState* before = selected();
    const std::string selectedId = before ? before->rule.id : std::string();
    m_rules = std::move(rules);
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    m_table->setRowCount(static_cast<int>(m_rules.size()));
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const proto::AlertState& state = m_rules[static_cast<std::size_t>(row)];
        const QString now = toQString(state.problem.empty() ? state.value : state.problem);
        const QStringList texts{phaseText(state), toQString(state.rule.name), toQString(state.rule.condition), now,
                                actionText(state.rule.action)};
        widgets::setRowTexts(*m_table, row, texts);
        const bool isFiring = !state.rule.isOff && state.phase == proto::AlertPhase::Firing;
        m_table->item(row, kState)->setForeground(isFiring ? QBrush(theme.bad) : QBrush());
    }
    // Rows move as rules come and go: the selection is of a rule.
    const auto again = std::find_if(m_rules.begin(), m_rules.end(), [&](const auto& state) { return state.rule.id == selectedId; });
    widgets::selectOnly(*m_table, again == m_rules.end() ? -1 : static_cast<int>(again - m_rules.begin()));
    fitOnce(*m_table);
    refreshEvents();
    stack().showContent();
}

const proto::AlertState* AlertPanel::selected() const
{
    const int row = widgets::selectedRow(*m_table);
    return row >= 0 && row < static_cast<int>(m_rules.size()) ? &m_rules[static_cast<std::size_t>(row)] : nullptr;
}

void AlertPanel::refreshEvents()
{
    const proto::AlertState* state = selected();
    m_edit->setEnabled(state != nullptr);
    m_remove->setEnabled(state != nullptr);
    m_command->setEnabled(state != nullptr);
    if (m_rules.empty())
        return m_events->setText(
            tr("Nothing is watched. \"Watch…\" has the node look at a metric, and save what its flight recorders hold when "
               "something is amiss, whether this window is open or not."));
    if (!state)
        return m_events->setText(tr("Select one to see when it fired."));
    QStringList lines;
    for (auto event = state->events.rbegin(); event != state->events.rend() && lines.size() < static_cast<int>(kEventsShown); ++event)
        lines << eventText(*event);
    if (lines.isEmpty())
        lines << tr("It has not fired since gantryd was started.");
    if (m_commands && node()) {
        const QString address = QString::fromStdString(node()->address()), rule = toQString(state->rule.name);
        const QString status = m_commands->status(address, rule);
        const AlertCommand command = m_commands->command(address, rule);
        if (!status.isEmpty())
            lines << status;
        else if (command.isOn)
            lines << tr("This machine runs %1 when it fires.").arg(command.words);
    }
    m_events->setText(lines.join(QLatin1Char('\n')));
}

void AlertPanel::setCommands(AlertCommands& commands)
{
    m_commands = &commands;
    m_command->show();
    connect(&commands, &AlertCommands::changed, this, &AlertPanel::refreshEvents);
    refreshEvents();
}

void AlertPanel::editCommand()
{
    const proto::AlertState* state = selected();
    if (!state || !m_commands || !node())
        return;
    const QString address = QString::fromStdString(node()->address()), rule = toQString(state->rule.name);
    auto* dialog = new AlertCommandDialog(rule, m_commands->command(address, rule), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog, address, rule] {
        if (m_commands)
            m_commands->setCommand(address, rule, dialog->command());
    });
    dialog->open();
}

void AlertPanel::edit(const proto::AlertRule& rule)
{
    if (!node())
        return;
    auto* dialog = new AlertDialog(node()->title(), rule, node()->targets(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] { set(dialog->rule()); });
    dialog->open();
}

void AlertPanel::set(const proto::AlertRule& rule)
{
    perform(
        [rule](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            GANTRY_CHECK(client.setAlertRule(rule, stop));
            return {};
        },
        tr("The alert was not changed."));
}

void AlertPanel::removeSelected()
{
    if (const proto::AlertState* state = selected())
        perform([id = state->rule.id](app::NodeClient& client, const std::stop_token& stop) { return client.deleteAlertRule(id, stop); },
                tr("The alert was not deleted."));
}

} // namespace gantry::desktop
