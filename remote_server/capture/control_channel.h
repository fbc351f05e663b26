#pragma once

#include "remote_server/capture/capture_state.h"

namespace gantry::capture {

/// Starts the control thread of this process: connects to the daemon, however often it comes and goes, and opens and closes
/// windows. All signals are blocked in it; it never blocks the target. False: no thread could be made.
bool startControlThread(CaptureState& state, const char* socketPath, const char* targetId);

/// Tells the daemon, through the control thread, that cuInit has run. Any thread.
void announceCuda(CaptureState& state);

} // namespace gantry::capture
