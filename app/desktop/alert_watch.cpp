#include "app/desktop/alert_watch.h"

#include "app/desktop/node_controller.h"
#include "app/desktop/node_list.h"

#include <algorithm>

namespace gantry::desktop {

namespace {

constexpr qint64 kFirstMs = 2000; // a node says all of its rules as soon as it is asked

} // namespace

AlertWatch::AlertWatch(NodeList& nodes, QObject* parent) : QObject(parent), m_nodes(nodes)
{
    connect(&m_nodes, &NodeList::nodesChanged, this, &AlertWatch::watchNodes);
    watchNodes();
}

AlertWatch::~AlertWatch() = default;

void AlertWatch::watchNodes()
{
    std::map<NodeController*, Feed> feeds;
    for (const auto& owned : m_nodes.nodes()) {
        NodeController* node = owned.get();
        if (const auto known = m_feeds.find(node); known != m_feeds.end()) {
            feeds.insert(m_feeds.extract(known));
            continue;
        }
        feeds[node];
        connect(node, &NodeController::stateChanged, this, [this, node] { follow(*node); });
    }
    m_feeds = std::move(feeds);
    for (auto& [node, feed] : m_feeds)
        if (!feed.stream)
            follow(*node);
}

void AlertWatch::follow(NodeController& node)
{
    const auto found = m_feeds.find(&node);
    if (found == m_feeds.end())
        return;
    Feed& feed = found->second;
    const bool isConnected = node.state() == NodeController::State::Connected && node.client();
    if (isConnected == (feed.stream != nullptr))
        return;
    feed.stream.reset();
    feed.since.start();
    if (isConnected)
        feed.stream = std::make_unique<StreamFeed<proto::AlertState>>(
            [client = node.client()](const std::function<void(const proto::AlertState&)>& emitItem, std::stop_token stop) {
                return client->watchAlerts(emitItem, std::move(stop));
            },
            [this, &node, &feed](std::vector<proto::AlertState> states, std::size_t) {
                const Heard heard = feed.since.elapsed() < kFirstMs ? Heard::AtFirst : Heard::Later;
                for (const proto::AlertState& state : states)
                    take(node, state, heard);
            },
            [](Result<void>) {}); // the metric stream says that the node is gone; an older one watches nothing
}

void AlertWatch::take(NodeController& node, const proto::AlertState& state, Heard heard)
{
    std::int64_t began = 0;
    bool isHeldBack = false;
    for (const proto::AlertEvent& event : state.events)
        if (event.phase == proto::AlertPhase::Firing && event.utcNs >= began) {
            began = event.utcNs;
            isHeldBack = event.isHeldBack;
        }
    auto& rules = m_fired[node.address()];
    if (state.isDeleted) {
        rules.erase(state.rule.id);
        return;
    }
    const auto [known, isFirst] = rules.try_emplace(state.rule.id, began);
    const bool isNew = isFirst ? heard == Heard::Later : began > known->second;
    known->second = std::max(known->second, began);
    if (isNew && !isHeldBack && state.phase == proto::AlertPhase::Firing && !state.rule.isOff)
        emit fired(&node, state);
}

} // namespace gantry::desktop
