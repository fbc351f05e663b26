#include "app/desktop/node_desk.h"

#include "app/desktop/node_dialog.h"
#include "app/desktop/node_list.h"
#include "app/desktop/question_dialogs.h"
#include "app/desktop/secret_keeper.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <algorithm>

namespace gantry::desktop {

namespace {

const char kWatchedProperty[] = "watchedByDesk";

const char kReturnTopic[] = "outage";
constexpr qint64 kTogetherSeconds = 30; ///< returns so close to each other have one cause: this machine was away
constexpr qsizetype kMostNamed = 5;

QString lengthOf(const Outage& outage)
{
    const auto seconds = std::max<qint64>(1, outage.since.secsTo(outage.until));
    return seconds < 120 ? NodeDesk::tr("%1 s").arg(seconds) : NodeDesk::tr("%1 min").arg(seconds / 60);
}

QString returnText(const NodeController& node, const Outage& outage)
{
    return NodeDesk::tr("%1 was away from %2 for %3 and is back: what it runs was read again, and the plots have a gap.")
        .arg(node.title(), outage.since.toString(QStringLiteral("HH:mm:ss")), lengthOf(outage));
}

} // namespace

NodeDesk::NodeDesk(NodeList& nodes, Settings& settings, jobs::JobRunner& runner, QWidget& window)
    : m_nodes(nodes), m_settings(settings), m_runner(runner), m_window(window)
{
    setKeyring(nullptr);
    connect(&m_nodes, &NodeList::nodesChanged, this, [this] {
        watchNodes();
        showQuestion(); // that of a node which was removed is over
    });
}

NodeDesk::~NodeDesk() = default;

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
            const bool isConnected = node->state() == NodeController::State::Connected;
            if (isConnected)
                m_settings.addRecentNode(toQString(node->address()));
            if (isConnected)
                m_keeper->settle(node, true);
            else if (node->state() == NodeController::State::Lost && node->error()->code == ErrorCode::NotPermitted)
                // A step after it, as a token that is refused, says nothing of them.
                m_keeper->settle(node, node->progress().now != app::ConnectStep::Authenticate);
        });
        connect(node, &QObject::destroyed, this, [this, node] { m_keeper->settle(node, true); });
        connect(node, &NodeController::noted, this,
                [this, node](const QString& sentence) { emit logged(tr("%1: %2").arg(node->title(), sentence)); });
        connect(node, &NodeController::lost, this, [this, node](const Error& error) {
            forgetReturnOf(*node);
            emit logged(tr("%1: the connection was lost. %2").arg(node->title(), describe(error).sentence));
        });
        connect(node, &NodeController::returned, this, [this, node](const Outage& outage) {
            emit logged(returnText(*node, outage));
            if (!m_returns.empty() && m_returns.back().outage.until.secsTo(outage.until) > kTogetherSeconds)
                m_returns.clear();
            m_returns.push_back({node, outage});
            tellOfReturns();
        });
    }
}

void NodeDesk::tellOfReturns()
{
    std::erase_if(m_returns, [](const Return& one) { return !one.node; });
    if (m_returns.empty())
        return emit clearRequested(QString::fromLatin1(kReturnTopic));
    QStringList names, causes;
    for (const Return& one : m_returns) {
        names << one.node->title();
        causes << tr("%1, away from %2 for %3: %4")
                      .arg(one.node->title(), one.outage.since.toString(QStringLiteral("HH:mm:ss")), lengthOf(one.outage),
                           describe(one.outage.cause).sentence);
    }
    if (names.size() > kMostNamed)
        names = names.mid(0, kMostNamed) << tr("%1 more").arg(m_returns.size() - static_cast<std::size_t>(kMostNamed));
    const bool isOne = m_returns.size() == 1;
    const QString sentence = isOne ? returnText(*m_returns.front().node, m_returns.front().outage)
                                   : tr("%1 nodes were away and are back: %2. What they run was read again, and their plots have a gap.")
                                         .arg(m_returns.size())
                                         .arg(names.join(QStringLiteral(", ")));
    emit told({MessageBar::Kind::Information,
               sentence,
               isOne ? describe(m_returns.front().outage.cause).sentence : causes.join(QLatin1Char('\n')),
               {},
               {},
               QString::fromLatin1(kReturnTopic)});
}

/// It is lost again: that it was back is no longer so.
void NodeDesk::forgetReturnOf(const NodeController& node)
{
    const auto removed = std::erase_if(m_returns, [&](const Return& one) { return one.node == &node; });
    if (removed > 0)
        tellOfReturns();
}

void NodeDesk::showQuestion()
{
    const auto isAsked = [this](const std::shared_ptr<PersonQuestion>& question) {
        return question &&
               std::any_of(m_nodes.nodes().begin(), m_nodes.nodes().end(), [&](const auto& node) { return node->question() == question; });
    };
    if ((m_dialog || m_isLookingUp) && isAsked(m_question))
        return; // one at a time
    m_isLookingUp = false;
    if (m_dialog) {
        m_dialog->disconnect(this);
        m_dialog->reject(); // the connection no longer waits
    }
    for (const auto& node : m_nodes.nodes()) {
        // One that was answered stays a moment, until the connection has heard of it.
        if (!node->question() || node->question() == m_question)
            continue;
        m_question = node->question();
        m_isLookingUp = true;
        return m_keeper->answer(node.get(), m_question, [this, question = m_question, asker = QPointer(node.get())] {
            if (question != m_question || !m_isLookingUp)
                return;
            m_isLookingUp = false;
            if (asker && asker->question() == question)
                showDialog(*asker);
        });
    }
}

void NodeDesk::showDialog(const NodeController& node)
{
    OnKeep onKeep;
    if (m_keeper->canKeep(*m_question))
        onKeep = [this, asker = &node, question = m_question](const app::Secret& secret) { m_keeper->keep(asker, *question, secret); };
    m_dialog = makeQuestionDialog(m_question, &m_window, std::move(onKeep));
    m_dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(m_dialog, &QDialog::finished, this, [this] {
        m_dialog.clear();
        showQuestion();
    });
    m_dialog->open();
}

void NodeDesk::setKeyring(std::unique_ptr<Keyring> keyring)
{
    m_keeper = std::make_unique<SecretKeeper>(std::move(keyring));
    connect(m_keeper.get(), &SecretKeeper::failed, this, [this](const QString& sentence) {
        emit logged(sentence);
        emit told({MessageBar::Kind::Warning, sentence, {}, {}, {}, QStringLiteral("keyring")});
    });
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
