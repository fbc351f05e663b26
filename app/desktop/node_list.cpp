#include "app/desktop/node_list.h"

#include <QHash>

#include <algorithm>

namespace gantry::desktop {

namespace {

constexpr int kThreads = 256; // they start when all others are busy: hosts that do not answer hold up nobody

} // namespace

NodeList::NodeList(QObject* parent) : QObject(parent), m_runner(kThreads)
{
    connect(&m_wake, &WakeWatch::woke, this, [this] {
        for (const auto& node : m_nodes)
            node->checkNow();
    });
}

NodeList::~NodeList() = default;

NodeController& NodeList::find(const std::string& address)
{
    const auto found = std::find_if(m_nodes.begin(), m_nodes.end(), [&](const auto& node) { return node->address() == address; });
    if (found != m_nodes.end())
        return **found;
    m_nodes.push_back(std::make_unique<NodeController>(address, m_runner));
    NodeController& node = *m_nodes.back();
    // Before anybody else hears of a name that is known now.
    connect(&node, &NodeController::contentChanged, this, &NodeList::tellApart);
    emit nodesChanged();
    return node;
}

NodeController& NodeList::open(const std::string& address, NodeController::Asked asked)
{
    NodeController& node = find(address);
    setCurrent(&node);
    node.open(asked);
    return node;
}

NodeController& NodeList::openBeside(const std::string& address)
{
    NodeController& node = find(address);
    if (!m_current)
        setCurrent(&node);
    node.open();
    return node;
}

void NodeList::setCurrent(NodeController* node)
{
    if (node == m_current)
        return;
    m_current = node;
    emit currentChanged();
}

void NodeList::remove(NodeController* node)
{
    const auto found = std::find_if(m_nodes.begin(), m_nodes.end(), [&](const auto& owned) { return owned.get() == node; });
    if (found == m_nodes.end())
        return;
    // Kept until everybody has let go of it; deleted last, as it may be the sender of what led here.
    NodeController* removed = found->release();
    m_nodes.erase(found);
    if (m_current == removed)
        setCurrent(m_nodes.empty() ? nullptr : m_nodes.front().get());
    removed->disconnect(this);
    tellApart();
    emit nodesChanged();
    removed->close();
    removed->deleteLater();
}

void NodeList::tellApart()
{
    QHash<QString, int> named;
    for (const auto& node : m_nodes)
        ++named[node->name()];
    for (const auto& node : m_nodes)
        node->setNamesake(named[node->name()] > 1);
}

} // namespace gantry::desktop
