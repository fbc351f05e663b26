#pragma once

#include "widgets/theme/theme.h"

namespace gantry::desktop {

/// Gives the application the scheme's palette and the few style rules that a palette cannot say. Every widget follows at once.
void applyTheme(widgets::ColorScheme scheme);

} // namespace gantry::desktop
