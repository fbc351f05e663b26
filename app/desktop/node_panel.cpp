#include "app/desktop/node_panel.h"

#include "app/desktop/fleet_tile.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"

#include <QVBoxLayout>

namespace gantry::desktop {

NodePanel::NodePanel(NodeController& node, QWidget* parent) : QWidget(parent), m_node(&node)
{
    connect(&node, &NodeController::stateChanged, this, &NodePanel::refreshState);
    connect(&node, &QObject::destroyed, this, &NodePanel::refreshState);
}

NodePanel::~NodePanel() = default;

void NodePanel::setContent(QWidget& content)
{
    m_stack = new NoticeStack(content, this);
    connect(m_stack, &NoticeStack::actionRequested, this, &NodePanel::onAction);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_stack);
}

std::shared_ptr<app::NodeClient> NodePanel::client() const
{
    return m_node && m_node->state() == NodeController::State::Connected ? m_node->client() : nullptr;
}

void NodePanel::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    refreshState();
}

void NodePanel::refreshState()
{
    if (client()) {
        if (isVisible())
            ask();
        return;
    }
    stopAsking();
    if (!m_node)
        return m_stack->showNotice(tr("The node was removed from the list."));
    switch (m_node->state()) {
    case NodeController::State::Connecting:
        return m_stack->showNotice(tr("Connecting to %1: %2").arg(m_node->title(), stateText(*m_node)));
    case NodeController::State::Lost:
        return m_stack->showNotice(tr("%1 is not reachable. %2").arg(m_node->title(), describe(*m_node->error()).sentence),
                                   tr("Try again"));
    case NodeController::State::Disconnected:
    case NodeController::State::Connected:
        break;
    }
    m_stack->showNotice(tr("%1 is not connected.").arg(m_node->title()), tr("Connect"));
}

void NodePanel::onAction()
{
    if (client())
        ask();
    else if (m_node)
        m_node->open();
}

void NodePanel::showFailure(const Error& error)
{
    m_stack->showNotice(describe(error).sentence, tr("Try again"));
}

} // namespace gantry::desktop
