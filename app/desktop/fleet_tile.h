#pragma once

#include "app/desktop/node_controller.h"
#include "app/desktop/node_entry.h"
#include "app/desktop/node_pulse.h"
#include "widgets/fleet/node_tile.h"

#include <QString>

namespace gantry::desktop {

/// How it stands with a node, in a few words: "connected", "host key…", "needs you".
[[nodiscard]] QString stateText(const NodeController& node);

/// What the fleet shows of a node: of one that is not connected nothing that would be old.
[[nodiscard]] widgets::NodeTile tileOf(const NodeController& node, const NodePulse& pulse);
/// Of one that is known and was not asked for yet.
[[nodiscard]] widgets::NodeTile tileOf(const NodeEntry& entry);

} // namespace gantry::desktop
