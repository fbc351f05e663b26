#include "app/desktop/node_desk.h"

#include "app/desktop/node_dialog.h"
#include "app/desktop/node_list.h"
#include "app/desktop/question_dialogs.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <algorithm>

namespace gantry::desktop {

namespace {

const char kWatchedProperty[] = "watchedByDesk";

QString topicOf(const NodeController& node)
{
    return QStringLiteral("outage ") + toQString(node.address());
}

} // namespace

NodeDesk::NodeDesk(NodeList& nodes, Settings& settings, jobs::JobRunner& runner, QWidget& window)
    : m_nodes(nodes), m_settings(settings), m_runner(runner), m_window(window)
{
    connect(&m_nodes, &NodeList::nodesChanged, this, [this] {
        watchNodes();
        showQuestion(); // that of a node which was removed is over
    });
}

void NodeDesk::watchNodes()
{
    for (const auto& owned : m_nodes.nodes()) {
        NodeController* node = owned.get();
        // Once per node: the list tells about all of them each time.
        if (node->property(kWatchedProperty).toBool())
            continue;
        node->setProperty(kWatchedProperty, true);
        node->setEntry(m_settings.nodeEntry(toQString(node->address())));
        connect(node, &NodeController::questionChanged, this, &NodeDesk::showQuestion);
        connect(node, &NodeController::stateChanged, this, [this, node] {
            if (node->state() == NodeController::State::Connected)
                m_settings.addRecentNode(toQString(node->address()));
        });
        connect(node, &NodeController::noted, this,
                [this, node](const QString& sentence) { emit logged(tr("%1: %2").arg(node->title(), sentence)); });
        connect(node, &NodeController::lost, this, [this, node](const Error& error) {
            emit clearRequested(topicOf(*node));
            emit logged(tr("%1: the connection was lost. %2").arg(node->title(), describe(error).sentence));
        });
        connect(node, &NodeController::returned, this, [this, node](const Outage& outage) { tellOfReturn(*node, outage); });
    }
}

void NodeDesk::tellOfReturn(const NodeController& node, const Outage& outage)
{
    const auto seconds = std::max<qint64>(1, outage.since.secsTo(outage.until));
    const QString length = seconds < 120 ? tr("%1 s").arg(seconds) : tr("%1 min").arg(seconds / 60);
    const QString sentence = tr("%1 was away from %2 for %3 and is back: what it runs was read again, and the plots have a gap.")
                                 .arg(node.title(), outage.since.toString(QStringLiteral("HH:mm:ss")), length);
    emit logged(sentence);
    emit told({MessageBar::Kind::Information, sentence, describe(outage.cause).sentence, {}, {}, topicOf(node)});
}

void NodeDesk::showQuestion()
{
    const auto isAsked = [this](const std::shared_ptr<PersonQuestion>& question) {
        return question &&
               std::any_of(m_nodes.nodes().begin(), m_nodes.nodes().end(), [&](const auto& node) { return node->question() == question; });
    };
    if (m_dialog && isAsked(m_question))
        return; // one at a time
    if (m_dialog) {
        m_dialog->disconnect(this);
        m_dialog->reject(); // the connection no longer waits
    }
    for (const auto& node : m_nodes.nodes()) {
        // One that was answered stays a moment, until the connection has heard of it.
        if (!node->question() || node->question() == m_question)
            continue;
        m_question = node->question();
        m_dialog = makeQuestionDialog(m_question, &m_window);
        m_dialog->setAttribute(Qt::WA_DeleteOnClose);
        connect(m_dialog, &QDialog::finished, this, [this] {
            m_dialog.clear();
            showQuestion();
        });
        m_dialog->open();
        return;
    }
}

void NodeDesk::askForNode()
{
    auto* dialog = new NodeDialog(NodeDialog::Purpose::Add, m_settings.nodeEntries(), m_settings.recentNodes(), m_runner, &m_window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->offerHostsOf(app::SshConfigPlaces::ofThisUser());
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        const NodeEntry entry = dialog->entry();
        // What is left empty for an address that has a name already was not meant to take it away.
        const bool isNamed = entry != NodeEntry{entry.address, {}, {}, {}};
        if (isNamed)
            m_settings.setNodeEntry(entry);
        NodeController& node = m_nodes.open(entry.address.toStdString());
        if (isNamed)
            node.setEntry(entry);
        emit nodeOpened();
    });
    dialog->open();
}

void NodeDesk::askForLabel(NodeController& node)
{
    auto* dialog = new NodeDialog(NodeDialog::Purpose::Change, m_settings.nodeEntries(), {}, m_runner, &m_window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setEntry(m_settings.nodeEntry(toQString(node.address())));
    connect(dialog, &QDialog::accepted, &node, [this, dialog, &node] {
        m_settings.setNodeEntry(dialog->entry());
        node.setEntry(dialog->entry());
    });
    dialog->open();
}

} // namespace gantry::desktop
