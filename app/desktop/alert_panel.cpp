#include "app/desktop/alert_panel.h"

#include "app/desktop/alert_dialog.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"
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
const char kTopic[] = "alert";

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
    : NodePanel(node, parent),
      m_table(new QTableWidget(0, kColumns, this)),
      m_events(new QLabel(this)),
      m_messages(new MessageBar(this)),
      m_add(new QPushButton(tr("&Watch…"), this)),
      m_edit(new QPushButton(tr("&Change…"), this)),
      m_remove(new QPushButton(tr("&Delete"), this)),
      m_slot(runner)
{
    m_messages->hide();
    setContent(*buildContent());
    connect(m_table, &QTableWidget::itemSelectionChanged, this, &AlertPanel::refreshEvents);
    connect(m_table, &QTableWidget::cellDoubleClicked, m_edit, &QPushButton::click);
    connect(m_add, &QPushButton::clicked, this, [this] { edit({}); });
    connect(m_edit, &QPushButton::clicked, this, [this] {
        if (const proto::AlertState* state = selected())
            edit(proto::AlertRule(state->rule));
    });
    connect(m_remove, &QPushButton::clicked, this, &AlertPanel::removeSelected);
    m_timer.setInterval(kInterval);
    connect(&m_timer, &QTimer::timeout, this, &AlertPanel::ask);
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
    for (const auto& [button, name] : {std::pair(m_add, "alertAdd"), std::pair(m_edit, "alertEdit"), std::pair(m_remove, "alertRemove")})
        button->setObjectName(QLatin1String(name));
    m_add->setToolTip(tr("Have the node watch a metric, with nobody connected too"));
    auto* content = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_add);
    bar->addWidget(m_edit);
    bar->addWidget(m_remove);
    bar->addStretch(1);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_messages);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    column->addWidget(m_events);
    return content;
}

void AlertPanel::ask()
{
    const auto client = this->client();
    if (!client)
        return;
    m_timer.start();
    if (m_slot.isRunning()) // a slow node is not asked again before it has answered
        return;
    if (!stack().isContentShown())
        stack().showNotice(tr("Asking %1 what it watches…").arg(node()->title()));
    m_slot.run([client](const jobs::JobContext& context) { return client->alertRules(context.stop()); },
               [this](Result<std::vector<proto::AlertState>> rules) { show(std::move(rules)); });
}

void AlertPanel::stopAsking()
{
    m_timer.stop();
    m_slot.cancel();
}

void AlertPanel::hideEvent(QHideEvent* event)
{
    stopAsking();
    NodePanel::hideEvent(event);
}

void AlertPanel::show(Result<std::vector<proto::AlertState>> rules)
{
    if (!rules) {
        stopAsking(); // until the person tries again
        return showFailure(rules.error());
    }
    const proto::AlertState* before = selected();
    const std::string selectedId = before ? before->rule.id : std::string();
    m_rules = std::move(*rules);
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    m_table->setRowCount(static_cast<int>(m_rules.size()));
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const proto::AlertState& state = m_rules[static_cast<std::size_t>(row)];
        const QString now = toQString(state.problem.empty() ? state.value : state.problem);
        const QStringList texts{phaseText(state), toQString(state.rule.name), toQString(state.rule.condition), now,
                                actionText(state.rule.action)};
        for (int column = 0; column < kColumns; ++column) {
            if (!m_table->item(row, column))
                m_table->setItem(row, column, new QTableWidgetItem);
            m_table->item(row, column)->setText(texts.at(column));
            m_table->item(row, column)->setToolTip(texts.at(column));
        }
        const bool isFiring = !state.rule.isOff && state.phase == proto::AlertPhase::Firing;
        m_table->item(row, kState)->setForeground(isFiring ? QBrush(theme.bad) : QBrush());
    }
    // Rows move as rules come and go: the selection is of a rule.
    const auto again = std::find_if(m_rules.begin(), m_rules.end(), [&](const auto& state) { return state.rule.id == selectedId; });
    if (again != m_rules.end())
        m_table->selectRow(static_cast<int>(again - m_rules.begin()));
    else
        m_table->clearSelection();
    if (!m_isFitted && !m_rules.empty()) {
        widgets::fitColumns(*m_table);
        m_isFitted = true;
    }
    refreshEvents();
    stack().showContent();
}

const proto::AlertState* AlertPanel::selected() const
{
    const auto rows = m_table->selectionModel()->selectedRows();
    const int row = rows.isEmpty() ? -1 : rows.first().row();
    return row >= 0 && row < static_cast<int>(m_rules.size()) ? &m_rules[static_cast<std::size_t>(row)] : nullptr;
}

void AlertPanel::refreshEvents()
{
    const proto::AlertState* state = selected();
    m_edit->setEnabled(state != nullptr);
    m_remove->setEnabled(state != nullptr);
    if (m_rules.empty())
        return m_events->setText(
            tr("Nothing is watched. \"Watch…\" has the node look at a metric, and save what its flight recorders hold when "
               "something is amiss, whether this window is open or not."));
    if (!state)
        return m_events->setText(tr("Select one to see when it fired."));
    QStringList lines;
    for (auto event = state->events.rbegin(); event != state->events.rend() && lines.size() < static_cast<int>(kEventsShown); ++event)
        lines << eventText(*event);
    m_events->setText(lines.isEmpty() ? tr("It has not fired since gantryd was started.") : lines.join(QLatin1Char('\n')));
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
    if (!node())
        return;
    node()->perform(
        [rule](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            const auto state = client.setAlertRule(rule, stop);
            return state ? Result<void>() : Result<void>(state.error());
        },
        [self = QPointer(this)](const Result<void>& result) {
            if (self)
                self->onDone(tr("The alert was not changed."), result);
        });
}

void AlertPanel::removeSelected()
{
    const proto::AlertState* state = selected();
    if (!state || !node())
        return;
    node()->perform(
        [id = state->rule.id](app::NodeClient& client, const std::stop_token& stop) { return client.deleteAlertRule(id, stop); },
        [self = QPointer(this)](const Result<void>& result) {
            if (self)
                self->onDone(tr("The alert was not deleted."), result);
        });
}

void AlertPanel::onDone(const QString& doing, const Result<void>& result)
{
    const QString topic = QString::fromLatin1(kTopic);
    m_messages->clearTopic(topic);
    if (!result)
        m_messages->showMessage({MessageBar::Kind::Error,
                                 doing + QLatin1Char(' ') + describe(result.error()).sentence,
                                 describe(result.error()).details,
                                 {},
                                 {},
                                 topic});
    ask();
}

} // namespace gantry::desktop
