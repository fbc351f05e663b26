#pragma once

#include "remote_server/node/log_ring.h"
#include "remote_server/node/target_profiler.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <memory>
#include <string>
#include <vector>

namespace gantry::node {

/// What clients can ask of the targets of a node. Any thread.
class Targets
{
public:
    virtual ~Targets() = default;

    [[nodiscard]] virtual std::vector<proto::Target> list() const = 0;
    /// Errors: BadInput, NotFound (no such program), Busy, Unsupported.
    [[nodiscard]] virtual Result<proto::Target> launch(const proto::LaunchRequest& request) = 0;
    /// SIGTERM, SIGKILL after `graceNs` (0: 10 s). Returns when it has ended. Errors: NotFound.
    [[nodiscard]] virtual Result<proto::Target> stop(const std::string& id, DurationNs graceNs) = 0;
    /// Stops it, if it still runs, and launches it again as it was launched. Errors: NotFound, Busy, those of launch().
    [[nodiscard]] virtual Result<proto::Target> restart(const std::string& id, DurationNs graceNs) = 0;
    /// Of one that was launched here. Errors: NotFound.
    [[nodiscard]] virtual Result<proto::Target> find(const std::string& id) const = 0;
    /// How the profiler of a target's engine is asked. Errors: NotFound, Unsupported.
    [[nodiscard]] virtual Result<TargetProfiler::Calls> profilerCalls(const std::string& id) const = 0;
    [[nodiscard]] virtual std::shared_ptr<LogRing> log(const std::string& id) const = 0; ///< null: no such target
};

} // namespace gantry::node
