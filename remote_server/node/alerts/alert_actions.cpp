#include "remote_server/node/alerts/alert_actions.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gantry::node {
namespace {

constexpr DurationNs kWindow = 1'000'000'000;
constexpr DurationNs kSaved = 10'000'000'000;

/// The id of the target that is meant; the newest of those with its name.
Result<std::string> runningTarget(const std::vector<proto::Target>& targets, const std::string& nameOrId)
{
    const auto find = [&](auto isMeant) {
        return std::find_if(targets.rbegin(), targets.rend(),
                            [&](const proto::Target& target) { return target.state == proto::TargetState::Running && isMeant(target); });
    };
    auto found = find([&](const proto::Target& target) { return target.name == nameOrId; });
    if (found == targets.rend())
        found = find([&](const proto::Target& target) { return target.id == nameOrId; });
    if (found == targets.rend())
        return Error{ErrorCode::NotFound, fmt::format("no target runs that is called {} or has that id", nameOrId), {}};
    return found->id;
}

Result<std::string> capture(CaptureEngine& engine, const std::vector<proto::Target>& targets, const proto::AlertRule& rule)
{
    proto::CaptureRequest request;
    GANTRY_TRY(request.targetId, runningTarget(targets, rule.targetId));
    request.durationNs = kWindow;
    request.label = "alert: " + rule.name;
    request.clientName = "alert " + rule.name;
    GANTRY_TRY(const proto::CaptureStatus status, engine.start(request));
    return fmt::format("capture {} of target {} was begun", status.captureId, rule.targetId);
}

Result<std::string> saveRecorders(CaptureEngine& engine, const proto::AlertRule& rule)
{
    std::string saved;
    std::optional<Error> failure;
    for (const proto::CaptureStatus& status : engine.captures()) {
        if (status.ringNs == 0 || status.isFinished())
            continue;
        const auto asked = engine.save(status.captureId, std::min(kSaved, status.ringNs), "alert: " + rule.name);
        if (asked)
            saved += (saved.empty() ? "" : ", ") + status.captureId;
        else
            failure = asked.error();
    }
    if (!saved.empty())
        return fmt::format("the last 10 s of recorder {} are saved", saved);
    if (failure)
        return *failure;
    return Error{ErrorCode::NotFound, "no flight recorder runs: start one with `gantryctl capture --ring`", {}};
}

} // namespace

Result<std::string> actOnAlert(CaptureEngine& engine, const std::vector<proto::Target>& targets, const proto::AlertRule& rule)
{
    switch (rule.action) {
    case proto::AlertAction::Mark:
        return std::string();
    case proto::AlertAction::SaveRecorder:
        return saveRecorders(engine, rule);
    case proto::AlertAction::Capture:
        return capture(engine, targets, rule);
    }
    return std::string();
}

} // namespace gantry::node
