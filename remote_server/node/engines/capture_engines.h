#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/node/engines/tool_engine.h"

#include <map>
#include <memory>
#include <mutex>

namespace gantry::node {

/// All engines of a node behind the face of one: each capture goes to the engine that it asks for, and of all of them one records at a
/// time. All methods: any thread.
class CaptureEngines final : public CaptureEngine
{
public:
    explicit CaptureEngines(std::unique_ptr<CaptureEngine> native) : m_native(std::move(native)) {}

    /// Before the first capture is asked for.
    void add(proto::EngineKind kind, std::unique_ptr<ToolEngine> engine) { m_tools[kind] = std::move(engine); }

    [[nodiscard]] std::vector<AttachedProcess> processes() const override { return m_native->processes(); }
    /// Errors also: Busy while another engine records, Unsupported where this node lacks the engine.
    [[nodiscard]] Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<proto::CaptureStatus> stop(const std::string& captureId) override;
    [[nodiscard]] Result<void> fail(const std::string& captureId, const Error& error) override;
    [[nodiscard]] Result<proto::CaptureStatus> save(const std::string& captureId, DurationNs lastNs, const std::string& label) override;
    [[nodiscard]] Result<proto::CaptureStatus> status(const std::string& captureId) const override;
    [[nodiscard]] std::vector<proto::CaptureStatus> captures() const override;
    [[nodiscard]] Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                             std::chrono::milliseconds timeout) const override;

private:
    [[nodiscard]] CaptureEngine& engineOf(const std::string& captureId) const;
    [[nodiscard]] std::optional<proto::CaptureStatus> holderBeside(proto::EngineKind kind) const;

    std::unique_ptr<CaptureEngine> m_native;
    std::map<proto::EngineKind, std::unique_ptr<ToolEngine>> m_tools;
    std::mutex m_startMutex; ///< between the look at who records and the start
};

} // namespace gantry::node
