#pragma once

#include "app/desktop/node_controller.h"

#include <QIcon>
#include <QPalette>

/// Icons drawn from shapes in the palette's colours: sharp at every scale, right in both themes, no files.
namespace gantry::desktop::icons {

/// A dot that also differs by shape: full when connected, half while connecting, ring when disconnected, cross when lost.
[[nodiscard]] QIcon nodeState(NodeController::State state);
[[nodiscard]] QIcon record();
/// A dot in a ring that goes round: what a flight recorder keeps.
[[nodiscard]] QIcon recorder();
[[nodiscard]] QIcon stop(const QPalette& palette);
[[nodiscard]] QIcon close(const QPalette& palette);
[[nodiscard]] QIcon compare(const QPalette& palette);
/// The program's own: three bars of a timeline.
[[nodiscard]] QIcon application();

} // namespace gantry::desktop::icons
