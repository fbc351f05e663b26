#pragma once

#include "app/desktop/node_list.h"
#include "app/desktop/node_pulse.h"
#include "widgets/fleet/node_tile.h"

#include <QObject>

#include <map>
#include <vector>

namespace gantry::desktop {

class Settings;

/// What is known of all nodes, those of the list and those that were connected to or named before, as tiles. UI thread.
class FleetFeed : public QObject
{
    Q_OBJECT

public:
    /// Both outlive this.
    FleetFeed(NodeList& nodes, const Settings& settings, QObject* parent = nullptr);

    /// As of now; each address once.
    [[nodiscard]] virtual std::vector<widgets::NodeTile> tiles() const;

signals:
    /// tiles() are others now. As often as samples come, so whoever looks at them does so in a turn of its own.
    void changed();

private:
    void watchNodes();

    NodeList& m_nodes;
    const Settings& m_settings;
    std::map<const NodeController*, NodePulse> m_pulses;
};

} // namespace gantry::desktop
