#pragma once

#include "app/remote/node_client.h"
#include "remote_server/proto/management_types.h"
#include "trace_model/base/result.h"

#include <stop_token>

namespace gantry::app {

/// What of Gantry works on a node, as the node itself says it, and what only a client can tell: how well it knows the node's clock over
/// this connection. Blocks for a few seconds at most; errors are those of NodeClient::readiness().
[[nodiscard]] Result<proto::ReadinessReport> checkReadiness(NodeClient& client, std::stop_token stop = {});

} // namespace gantry::app
