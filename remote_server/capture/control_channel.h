#pragma once

#include "remote_server/capture/capture_state.h"

namespace gantry::capture {

/// Starts the control thread of this process: connects to the daemon, however often it comes and goes, and opens and closes
/// windows. All signals are blocked in it. False: no thread could be made.
bool startControlThread(CaptureState& state, const char* socketPath, const char* targetId);

/// Waits until the daemon, if there is one, has said what it wants of a new process, so that a window that is open already, or a
/// trigger, has hold of the first call. A daemon that does not answer costs a second, once. Any thread.
void awaitFirstCommand();

/// cuInit has run: an open window and a waiting trigger have CUDA from here on, the daemon is told by the control thread. Any thread.
void announceCuda();

/// In a child after fork: lets go of the parent's connection, which would else outlive the parent.
void abandonControlChannel();

/// The process exits: closes an open window, so that nothing of it is left with CUPTI. A control thread that is busy is waited for,
/// for two seconds at most.
void closeAtExit();

/// A range of the trigger begins on this thread: opens a window before it returns. Its id; 0: this range opens none.
std::uint32_t triggerBegins();

/// The range that opened window `windowId` ends: closes that before it returns.
void triggerEnds(std::uint32_t windowId);

} // namespace gantry::capture
