#include "app/desktop/polled_panel.h"

#include "app/desktop/message_bar.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"
#include "widgets/tables/table_style.h"

#include <QAbstractItemModel>
#include <QTableView>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

const QString kTopic = QStringLiteral("performed");

} // namespace

PolledPanel::PolledPanel(NodeController& node, jobs::JobRunner& runner, std::chrono::milliseconds interval, QWidget* parent)
    : NodePanel(node, parent), m_messages(new MessageBar(this)), m_slot(runner)
{
    m_messages->hide();
    m_timer.setInterval(interval);
    connect(&m_timer, &QTimer::timeout, this, &PolledPanel::ask);
}

PolledPanel::~PolledPanel() = default;

void PolledPanel::setContent(QWidget& content)
{
    NodePanel::setContent(content);
    static_cast<QVBoxLayout*>(layout())->insertWidget(0, m_messages);
}

bool PolledPanel::beginAsking(const QString& notice)
{
    m_timer.start();
    if (m_slot.isRunning())
        return false;
    if (!stack().isContentShown())
        stack().showNotice(notice);
    return true;
}

void PolledPanel::stopAsking()
{
    m_timer.stop();
    m_slot.cancel();
}

void PolledPanel::hideEvent(QHideEvent* event)
{
    stopAsking();
    NodePanel::hideEvent(event);
}

void PolledPanel::fitOnce(QTableView& table)
{
    if (m_isFitted || table.model()->rowCount() == 0)
        return;
    widgets::fitColumns(table);
    m_isFitted = true;
}

void PolledPanel::perform(NodeController::Work work, const QString& complaint, std::function<void()> done)
{
    if (!node())
        return;
    node()->perform(std::move(work), [self = QPointer(this), complaint, done = std::move(done)](const Result<void>& how) {
        if (!self)
            return;
        if (how && done)
            done();
        self->onPerformed(complaint, how);
    });
}

void PolledPanel::onPerformed(const QString& complaint, const Result<void>& how)
{
    m_messages->clearTopic(kTopic);
    if (!how) {
        const UserMessage message = describe(how.error());
        m_messages->showMessage(
            {MessageBar::Kind::Error, complaint + QLatin1Char(' ') + message.sentence, message.details, {}, {}, kTopic});
    }
    m_slot.cancel(); // an answer of before
    if (isVisible())
        ask();
}

} // namespace gantry::desktop
