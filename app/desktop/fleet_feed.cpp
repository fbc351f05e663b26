#include "app/desktop/fleet_feed.h"

#include "app/desktop/fleet_tile.h"
#include "app/desktop/settings.h"

#include <set>
#include <utility>

namespace gantry::desktop {

FleetFeed::FleetFeed(NodeList& nodes, const Settings& settings, QObject* parent) : QObject(parent), m_nodes(nodes), m_settings(settings)
{
    connect(&m_nodes, &NodeList::nodesChanged, this, &FleetFeed::watchNodes);
    watchNodes();
}

void FleetFeed::watchNodes()
{
    std::map<const NodeController*, NodePulse> known;
    for (const auto& owned : m_nodes.nodes()) {
        NodeController* node = owned.get();
        if (const auto found = m_pulses.find(node); found != m_pulses.end()) {
            known.insert(m_pulses.extract(found));
            continue;
        }
        NodePulse& pulse = known[node];
        connect(node, &NodeController::metricsRestarted, this, [&pulse](const std::string& bootId) { pulse.restart(bootId); });
        connect(node, &NodeController::metricsArrived, this, [this, &pulse](const std::vector<proto::MetricsBatch>& batches) {
            for (const proto::MetricsBatch& batch : batches)
                pulse.add(batch);
            emit changed();
        });
        connect(node, &NodeController::stateChanged, this, [this, node, &pulse] {
            if (node->state() != NodeController::State::Connected)
                pulse.stop();
            emit changed();
        });
        connect(&node->readiness(), &ReadinessCheck::changed, this, &FleetFeed::changed);
        for (const auto signal : {&NodeController::progressed, &NodeController::contentChanged, &NodeController::capturesChanged})
            connect(node, signal, this, &FleetFeed::changed);
    }
    // A node that was removed delivers nothing more before it is deleted.
    for (const auto& [node, pulse] : m_pulses) {
        node->disconnect(this);
        node->readiness().disconnect(this);
    }
    m_pulses = std::move(known);
    emit changed();
}

std::vector<widgets::NodeTile> FleetFeed::tiles() const
{
    std::vector<widgets::NodeTile> tiles;
    std::set<QString> shown;
    for (const auto& node : m_nodes.nodes()) {
        tiles.push_back(tileOf(*node, m_pulses.at(node.get())));
        shown.insert(tiles.back().key);
    }
    const auto add = [&](const NodeEntry& entry) {
        if (shown.insert(entry.address).second)
            tiles.push_back(tileOf(entry));
    };
    for (const NodeEntry& entry : m_settings.nodeEntries())
        add(entry);
    for (const QString& address : m_settings.recentNodes())
        add({address, {}, {}, {}});
    return tiles;
}

} // namespace gantry::desktop
