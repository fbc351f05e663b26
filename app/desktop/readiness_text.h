#pragma once

#include "remote_server/proto/management_types.h"

#include <QColor>
#include <QString>

namespace gantry::widgets {
struct Theme;
}

namespace gantry::desktop {

/// "works", "limited", "blocked", …
[[nodiscard]] QString levelText(proto::ReadinessLevel level);
[[nodiscard]] QColor levelColour(proto::ReadinessLevel level, const widgets::Theme& theme);

/// A part of Gantry does not work there: what a list of nodes marks.
[[nodiscard]] bool isImpaired(const proto::ReadinessReport& report);
/// "limited: driver, disk"; the topics of the worst level.
[[nodiscard]] QString worstText(const proto::ReadinessReport& report);
/// A paragraph for each item, as text for a message to somebody who administers the node.
[[nodiscard]] QString reportText(const proto::ReadinessReport& report);

} // namespace gantry::desktop
