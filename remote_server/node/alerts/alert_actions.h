#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/proto/live_types.h"
#include "trace_model/base/result.h"

#include <string>

namespace gantry::node {

/// Does what an alert asks for when it fires: opens a window of a second on its target, or has the recorders that run save their last ten.
/// Says what was done, a sentence. Errors: those of the engine, and NotFound where nothing records.
[[nodiscard]] Result<std::string> actOnAlert(CaptureEngine& engine, const proto::AlertRule& rule);

} // namespace gantry::node
