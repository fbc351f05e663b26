#pragma once

#include "remote_server/node/server_models.h"
#include "remote_server/proto/management_types.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <memory>
#include <string>

namespace gantry::node {

/// What a node says of itself in the place of the machine that it runs on: a rehearsal plays what was recorded of another one. Any thread.
class NodeFace
{
public:
    virtual ~NodeFace() = default;

    [[nodiscard]] virtual proto::NodeInfo info() const = 0;
    [[nodiscard]] virtual Result<proto::ReadinessReport> readiness() const = 0;
    [[nodiscard]] virtual Result<proto::ProcessList> processes() const = 0;
    [[nodiscard]] virtual std::int64_t utcNow() const = 0; ///< CLOCK_REALTIME as this node has it
    [[nodiscard]] virtual std::uint32_t protocolVersion() const = 0;
    [[nodiscard]] virtual std::unique_ptr<ServerModels> models(const std::string& targetId) = 0;
};

} // namespace gantry::node
