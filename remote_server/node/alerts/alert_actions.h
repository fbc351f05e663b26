#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/proto/live_types.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <string>
#include <vector>

namespace gantry::node {

/// Does what an alert asks for when it fires: opens a window of a second on its target, or has the recorders that run save their last ten.
/// The target is the one of these that runs and has the name that the rule gives, which is the same after a restart, or the id.
/// Says what was done, a sentence. Errors: those of the engine, and NotFound where nothing records or no such target runs.
[[nodiscard]] Result<std::string> actOnAlert(CaptureEngine& engine, const std::vector<proto::Target>& targets,
                                             const proto::AlertRule& rule);

} // namespace gantry::node
