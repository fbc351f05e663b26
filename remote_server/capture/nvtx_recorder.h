#pragma once

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/nvtx_payload_types.h"

#define NVTX_NO_IMPL
#include <nvtx3/nvToolsExt.h>

namespace gantry::capture {

/// Puts our handlers into one NVTX instance's function tables. Every executable and library that uses NVTX has its own
/// instance and calls this on its first NVTX call.
/// Domains, strings and names are always told to us; ranges and marks only while a window or a trigger wants them, so that
/// an idle target pays for them what it pays without a tool.
void installNvtxHandlers(NvtxGetExportTableFunc_t getExportTable);

/// Puts our handlers into the slots of one instance of NVTX's payload extension. They stay there: with no window open each looks just for
/// that.
void installPayloadHandlers(nvtx_payload::ModuleInfo& module);

/// In a child after fork: its parent's window is not its own, and nobody is left who would let go of what was locked.
void forgetNvtxOfParent();

/// Gives the handlers of ranges and marks to all instances, or takes them away, as nvtxWindow and the trigger ask.
void updateNvtxHandlers();

/// A push, with all that it may bring about, if a window or a trigger wants ranges. False: none does, nothing was done and no pop is due.
[[nodiscard]] bool pushIfWanted(nvtxDomainHandle_t domain, const nvtxEventAttributes_t& attributes);
/// The pop of such a push.
void popWanted(nvtxDomainHandle_t domain);

/// Ranges named `message` in `domain` (kAnyDomain: any) open and close windows from now on; null: none do. The texts stay the
/// caller's and must live until the next call.
void setNvtxTrigger(const char* message, const char* domain);

} // namespace gantry::capture
