#pragma once

#include "remote_server/proto/node_types.h"

#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// The models of a KServe v2 server. Blocks up to a second; absent: it does not answer or is not ready. `known` is the answer of
/// the call before: the platform of a model in it is not asked for again.
[[nodiscard]] std::optional<std::vector<proto::ModelInfo>> readyModels(const std::string& grpcAddress,
                                                                       const std::vector<proto::ModelInfo>& known);

} // namespace gantry::node
