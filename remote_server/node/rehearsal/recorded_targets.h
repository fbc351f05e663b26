#pragma once

#include "remote_server/node/server_models.h"
#include "remote_server/node/targets.h"
#include "remote_server/proto/node_recording.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gantry::node {

/// The targets of a recording: they can be looked at, stopped, started again, and their models loaded and unloaded; none of it reaches a
/// process. Any thread.
class RecordedTargets final : public Targets
{
public:
    explicit RecordedTargets(const proto::NodeRecording& recording);

    [[nodiscard]] std::vector<proto::Target> list() const override;
    /// Starts a stopped target of the recording again; a command that is not of the recording is Unsupported.
    [[nodiscard]] Result<proto::Target> launch(const proto::LaunchRequest& request) override;
    [[nodiscard]] Result<proto::Target> stop(const std::string& id, DurationNs graceNs) override;
    [[nodiscard]] Result<proto::Target> restart(const std::string& id, DurationNs graceNs) override;
    [[nodiscard]] Result<proto::Target> find(const std::string& id) const override;
    [[nodiscard]] Result<TargetProfiler::Calls> profilerCalls(const std::string& id) const override;
    [[nodiscard]] std::shared_ptr<LogRing> log(const std::string& id) const override;

    [[nodiscard]] bool isRunning(const std::string& id) const;
    /// Of a target, which `line` names.
    void addLine(const proto::RecordedLine& line);
    /// This object outlives them.
    [[nodiscard]] std::unique_ptr<ServerModels> models(const std::string& id);

private:
    class Models;
    [[nodiscard]] proto::Target* findTarget(const std::string& id);
    [[nodiscard]] const proto::Target* findTarget(const std::string& id) const;
    [[nodiscard]] proto::Target shown(const proto::Target& target) const;

    const std::vector<proto::Target> m_recorded;
    std::map<std::string, std::shared_ptr<LogRing>> m_logs; ///< never changed after the constructor
    mutable std::mutex m_mutex;                             ///< everything below
    std::vector<proto::Target> m_targets;
    std::vector<proto::RecordedModel> m_models;
};

} // namespace gantry::node
