#include "remote_server/node/rehearsal/recorded_targets.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/log_level.h"
#include "remote_server/node/model_control.h"

#include <algorithm>

namespace gantry::node {
namespace {

constexpr char kReady[] = "READY";
constexpr char kUnavailable[] = "UNAVAILABLE";

/// RFC 2606: no name below .invalid ever resolves, so that a load for the recorded server reaches none that listens here.
std::string unreachable(const std::string& address)
{
    return address.empty() ? address : "recording.invalid" + address.substr(std::min(address.rfind(':'), address.size()));
}

Error noTarget(const std::string& id)
{
    return {ErrorCode::NotFound, "there is no target " + id + " in this recording: `gantryctl target list` shows those there are", {}};
}

} // namespace

/// What a server would answer whose models are those of the recording.
class RecordedTargets::Models final : public ServerModels
{
public:
    Models(RecordedTargets& owner, std::string target) : m_owner(owner), m_target(std::move(target)) {}

    Result<std::vector<proto::ModelInfo>> list() const override
    {
        const std::lock_guard lock(m_owner.m_mutex);
        std::vector<proto::ModelInfo> models;
        for (const proto::RecordedModel& model : m_owner.m_models)
            if (model.targetId == m_target)
                models.push_back(model.info);
        return models;
    }

    Result<proto::ModelConfigText> config(const std::string& model, const std::string&) const override
    {
        const std::lock_guard lock(m_owner.m_mutex);
        GANTRY_TRY(const proto::RecordedModel* found, find(model));
        if (!found->config || found->info.state != kReady)
            return Error{ErrorCode::NotFound, "model " + model + " is not loaded, so that it has no configuration: load it", {}};
        return *found->config;
    }

    Result<void> load(const std::string& model, const std::string& configText) const override
    {
        if (const auto problems = configProblems(configText); !configText.empty() && !problems.empty())
            return Error{ErrorCode::BadInput,
                         "config.pbtxt:" + std::to_string(problems.front().line) + ":" + std::to_string(problems.front().column) + ": " +
                             problems.front().message,
                         {}};
        const std::lock_guard lock(m_owner.m_mutex);
        GANTRY_TRY(proto::RecordedModel * found, find(model));
        found->info.state = kReady;
        found->info.reason.clear();
        if (!configText.empty())
            found->config = proto::ModelConfigText{configText, false};
        return {};
    }

    Result<void> unload(const std::string& model) const override
    {
        const std::lock_guard lock(m_owner.m_mutex);
        GANTRY_TRY(proto::RecordedModel * found, find(model));
        found->info.state = kUnavailable;
        found->info.reason = "unloaded";
        return {};
    }

private:
    [[nodiscard]] Result<proto::RecordedModel*> find(const std::string& model) const
    {
        for (proto::RecordedModel& candidate : m_owner.m_models)
            if (candidate.targetId == m_target && candidate.info.name == model)
                return &candidate;
        return Error{ErrorCode::NotFound, "there is no model " + model + " in this recording", {}};
    }

    RecordedTargets& m_owner;
    std::string m_target;
};

RecordedTargets::RecordedTargets(const proto::NodeRecording& recording)
    : m_recorded([&] {
          std::vector<proto::Target> targets = recording.targets;
          for (proto::Target& target : targets) {
              target.grpcAddress = unreachable(target.grpcAddress);
              target.metricsUrl.clear();
              target.profilerUrl.clear();
          }
          return targets;
      }()),
      m_targets(m_recorded),
      m_models(recording.models)
{
    for (const proto::Target& target : m_targets)
        m_logs[target.id] = std::make_shared<LogRing>();
}

const proto::Target* RecordedTargets::findTarget(const std::string& id) const
{
    const auto found = std::find_if(m_targets.begin(), m_targets.end(), [&](const proto::Target& target) { return target.id == id; });
    return found == m_targets.end() ? nullptr : &*found;
}

proto::Target* RecordedTargets::findTarget(const std::string& id)
{
    return const_cast<proto::Target*>(std::as_const(*this).findTarget(id));
}

/// Without the models that are not loaded any more. Mutex held.
proto::Target RecordedTargets::shown(const proto::Target& target) const
{
    proto::Target result = target;
    std::erase_if(result.models, [&](const proto::ModelInfo& model) {
        return std::any_of(m_models.begin(), m_models.end(), [&](const proto::RecordedModel& recorded) {
            return recorded.targetId == target.id && recorded.info.name == model.name && recorded.info.state == kUnavailable;
        });
    });
    return result;
}

std::vector<proto::Target> RecordedTargets::list() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<proto::Target> result;
    for (const proto::Target& target : m_targets)
        result.push_back(shown(target));
    return result;
}

Result<proto::Target> RecordedTargets::find(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    if (const proto::Target* target = findTarget(id))
        return shown(*target);
    return noTarget(id);
}

bool RecordedTargets::isRunning(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    const proto::Target* target = findTarget(id);
    return target && target->state == proto::TargetState::Running;
}

Result<proto::Target> RecordedTargets::launch(const proto::LaunchRequest& request)
{
    const std::lock_guard lock(m_mutex);
    for (std::size_t i = 0; i < m_targets.size(); ++i) {
        if (m_targets[i].argv != request.argv || m_targets[i].state != proto::TargetState::Exited)
            continue;
        if (request.isPlanOnly)
            return m_recorded[i];
        m_targets[i] = m_recorded[i];
        m_targets[i].startedUtcNs = utcNow();
        return shown(m_targets[i]);
    }
    return Error{
        ErrorCode::Unsupported,
        "this node plays a recording, so that it starts no programs: only targets of the recording that were stopped can be started "
        "again; use a real node for others",
        {}};
}

Result<proto::Target> RecordedTargets::stop(const std::string& id, DurationNs)
{
    const std::lock_guard lock(m_mutex);
    proto::Target* target = findTarget(id);
    if (!target)
        return noTarget(id);
    target->state = proto::TargetState::Exited;
    target->message = "stopped; it is of a recording: launch its command to start it again";
    target->processes.clear();
    target->models.clear();
    return *target;
}

Result<proto::Target> RecordedTargets::restart(const std::string& id, DurationNs graceNs)
{
    GANTRY_TRY(const proto::Target stopped, stop(id, graceNs));
    proto::LaunchRequest again;
    again.argv = stopped.argv;
    return launch(again);
}

Result<TargetProfiler::Calls> RecordedTargets::profilerCalls(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    if (!findTarget(id))
        return noTarget(id);
    return Error{
        ErrorCode::Unsupported, "this node plays a recording, whose servers have no profiler to be asked: capture by the clock", {}};
}

std::shared_ptr<LogRing> RecordedTargets::log(const std::string& id) const
{
    const auto found = m_logs.find(id);
    return found == m_logs.end() ? nullptr : found->second;
}

void RecordedTargets::addLine(const proto::RecordedLine& line)
{
    if (const auto ring = log(line.targetId); ring && isRunning(line.targetId))
        ring->add(line.text, logLevelOf(line.text));
}

std::unique_ptr<ServerModels> RecordedTargets::models(const std::string& id)
{
    return std::make_unique<Models>(*this, id);
}

} // namespace gantry::node
