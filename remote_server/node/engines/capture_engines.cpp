#include "remote_server/node/engines/capture_engines.h"

namespace gantry::node {

/// What another engine records; a flight recorder of the native one is in nobody's way.
std::optional<proto::CaptureStatus> CaptureEngines::holderBeside(proto::EngineKind kind) const
{
    for (const auto& [other, engine] : m_tools)
        if (other != kind)
            if (auto active = engine->active())
                return active;
    if (kind == proto::EngineKind::Native)
        return std::nullopt;
    for (const proto::CaptureStatus& status : m_native->captures())
        if (!status.isFinished() && status.ringNs == 0)
            return status;
    return std::nullopt;
}

Result<proto::CaptureStatus> CaptureEngines::start(const proto::CaptureRequest& request)
{
    const std::lock_guard lock(m_startMutex);
    const auto tool = m_tools.find(request.engine);
    if (request.engine != proto::EngineKind::Native && tool == m_tools.end())
        return Error{ErrorCode::Unsupported, "this node has no engine " + std::string(proto::name(request.engine)), {}};
    if (const auto holder = holderBeside(request.engine); holder && !request.isPlanOnly)
        return Error{ErrorCode::Busy,
                     "a capture of " + std::string(proto::name(holder->engine)) + " is under way, held by " +
                         (holder->holder.empty() ? "another client" : holder->holder) +
                         ": wait until it is done, or stop it (`gantryctl node stop-capture " + holder->captureId + "`)",
                     {}};
    if (request.engine != proto::EngineKind::Native)
        return tool->second->start(request);
    if (request.isPlanOnly)
        return Error{ErrorCode::BadInput, "Gantry's own engine runs no commands: there is nothing to show beforehand", {}};
    return m_native->start(request);
}

CaptureEngine& CaptureEngines::engineOf(const std::string& captureId) const
{
    for (const auto& [kind, engine] : m_tools)
        if (captureId.empty() ? engine->active().has_value() : engine->status(captureId).hasValue())
            return *engine;
    return *m_native;
}

Result<proto::CaptureStatus> CaptureEngines::stop(const std::string& captureId)
{
    return engineOf(captureId).stop(captureId);
}

Result<void> CaptureEngines::fail(const std::string& captureId, const Error& error)
{
    return engineOf(captureId).fail(captureId, error);
}

Result<proto::CaptureStatus> CaptureEngines::save(const std::string& captureId, DurationNs lastNs, const std::string& label)
{
    return engineOf(captureId).save(captureId, lastNs, label);
}

Result<proto::CaptureStatus> CaptureEngines::status(const std::string& captureId) const
{
    return engineOf(captureId).status(captureId);
}

std::vector<proto::CaptureStatus> CaptureEngines::captures() const
{
    std::vector<proto::CaptureStatus> all = m_native->captures();
    for (const auto& [kind, engine] : m_tools)
        for (proto::CaptureStatus& status : engine->captures())
            all.push_back(std::move(status));
    return all;
}

Result<proto::CaptureStatus> CaptureEngines::waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                           std::chrono::milliseconds timeout) const
{
    return engineOf(captureId).waitForChange(captureId, known, timeout);
}

} // namespace gantry::node
