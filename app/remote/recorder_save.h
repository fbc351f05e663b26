#pragma once

#include "app/remote/node_client.h"

#include <functional>
#include <stop_token>
#include <string>

namespace gantry::app {

/// Has a recorder write a report of the last `lastNs` (0: of all that it holds), and waits for that report's name. `onStatus` is told how
/// the recorder goes meanwhile, by the calling thread; may be empty. Errors: those of NodeClient::saveCapture, of the writing itself
/// (CannotWrite, ...), Cancelled.
[[nodiscard]] Result<std::string> saveRecorder(NodeClient& client, const std::string& captureId, DurationNs lastNs,
                                               const std::string& label,
                                               const std::function<void(const proto::CaptureStatus&)>& onStatus = {},
                                               std::stop_token stop = {});

} // namespace gantry::app
