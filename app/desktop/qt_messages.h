#pragma once

namespace gantry::desktop {

/// For a run without a user: leaves out what Qt says about the session that is not there (no runtime folder, a platform that
/// cannot raise a window), so that standard error holds the program's own sentences. Everything else Qt says stays. Before
/// QApplication.
void leaveOutSessionMessages();

} // namespace gantry::desktop
