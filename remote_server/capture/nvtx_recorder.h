#pragma once

#include "remote_server/capture/capture_state.h"

#define NVTX_NO_IMPL
#include <nvtx3/nvToolsExt.h>

namespace gantry::capture {

/// Puts our handlers into one NVTX instance's function tables. Every executable and library that uses NVTX has its own
/// instance and calls this on its first NVTX call.
void installNvtxHandlers(NvtxGetExportTableFunc_t getExportTable);

/// Writes all domains, registered strings, categories and thread names known so far into window `windowId`; what is
/// registered later is written when it is. Control thread.
void dumpNvtxDictionary(CaptureState& state, std::uint32_t windowId);

} // namespace gantry::capture
