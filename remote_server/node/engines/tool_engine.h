#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/node/engines/window_tool.h"
#include "remote_server/node/running_capture.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace gantry::node {

/// Captures whose windows a WindowTool records: when they open and close, what clients see of them, and the place of their reports. One
/// capture at a time, on a thread of its own. All methods: any thread.
class ToolEngine final : public CaptureEngine
{
public:
    struct Options
    {
        proto::EngineKind kind = proto::EngineKind::Nsys;
        std::filesystem::path reportFolder;
        /// As CaptureEngine::Options has them.
        std::function<std::map<std::string, std::string>()> nodeSnapshot;
        std::function<std::string(const std::string& targetId)> targetName;
        std::function<void(const std::string& targetId)> stopTarget;
        std::function<void(const std::string& reportName)> onReport;
        std::function<std::int64_t()> utcNow; ///< the clock that clients see; empty: CLOCK_REALTIME
    };

    /// `tool` outlives it.
    ToolEngine(Options options, WindowTool& tool);
    ~ToolEngine() override; ///< gives up what runs

    [[nodiscard]] std::vector<AttachedProcess> processes() const override { return {}; }
    [[nodiscard]] Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<proto::CaptureStatus> stop(const std::string& captureId) override;
    [[nodiscard]] Result<void> fail(const std::string& captureId, const Error& error) override;
    [[nodiscard]] Result<proto::CaptureStatus> save(const std::string& captureId, DurationNs lastNs, const std::string& label) override;
    [[nodiscard]] Result<proto::CaptureStatus> status(const std::string& captureId) const override;
    [[nodiscard]] std::vector<proto::CaptureStatus> captures() const override;
    [[nodiscard]] Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                             std::chrono::milliseconds timeout) const override;

    /// What has not ended; nothing: no capture runs.
    [[nodiscard]] std::optional<proto::CaptureStatus> active() const;

private:
    struct Capture;

    void run(Capture& capture, const std::stop_token& stop);
    [[nodiscard]] bool awaitWindow(Capture& capture, const std::stop_token& stop);
    void record(Capture& capture, const std::stop_token& stop);
    void holdOpen(Capture& capture, ToolWindow& window, const std::stop_token& stop);
    [[nodiscard]] Result<std::string> publish(Capture& capture, ToolWindow& window);
    template <typename Change>
    void update(Capture& capture, Change change);
    bool pause(Capture& capture, DurationNs time, const std::stop_token& stop);
    [[nodiscard]] const proto::CaptureStatus* find(const std::string& captureId) const;

    Options m_options;
    WindowTool& m_tool;
    mutable std::mutex m_mutex; ///< everything below
    mutable std::condition_variable_any m_changed;
    std::unique_ptr<Capture> m_active;
    std::deque<proto::CaptureStatus> m_ended;
    std::uint64_t m_nextId = 1;
};

} // namespace gantry::node
