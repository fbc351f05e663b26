#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/trace/trace.h"

#include <string>

namespace gantry::desktop {

/// What a report says, in ten lines for a terminal: requests, phases p50/p99, GPU and CPU work, drops and what the window cost.
/// `status` is the capture's last word, for the time it took to open and close the window.
[[nodiscard]] std::string tourSummary(const trace::Trace& trace, const proto::CaptureStatus& status);

} // namespace gantry::desktop
