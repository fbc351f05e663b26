#pragma once

#include "remote_server/proto/node_types.h"

#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// What a KServe v2 server says of itself. Blocks up to a second; absent: it does not answer or is not ready.
[[nodiscard]] std::optional<std::vector<proto::ModelInfo>> readyModels(const std::string& grpcAddress);

} // namespace gantry::node
