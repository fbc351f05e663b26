#pragma once

#include "remote_server/node/engines/nsys_commands.h"
#include "remote_server/node/engines/window_tool.h"
#include "remote_server/node/nsys_exports.h"
#include "trace_model/import/nsys_program.h"

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// The node's nsys. It cannot attach to a program that runs: a target is launched under `nsys launch`, which collects nothing, and each
/// window is an `nsys start` and `nsys stop` of its session, with a report of its own while the target goes on. Any thread.
class NsysTool final : public WindowTool
{
public:
    struct Options
    {
        importing::NsysPlaces places;
        /// What the session of a target is called. Errors: NotFound, Unsupported for one that was not launched under nsys, with what to do.
        std::function<Result<std::string>(const std::string& targetId)> session;
        std::function<bool(const std::string& targetId)> isTargetRunning;
    };

    explicit NsysTool(Options options) : m_options(std::move(options)) {}

    /// The name of a new session. Sessions of all daemons of a user are in one list.
    [[nodiscard]] static std::string sessionName(const std::string& targetId);
    /// Errors: those of nsysLaunchCommand(); Unsupported without nsys.
    [[nodiscard]] Result<std::vector<std::string>> launchCommand(const proto::LaunchRequest& request, const std::string& session);
    /// Ends a session and what was launched in it: for targets that did not end by themselves.
    void endSession(const std::string& session);

    [[nodiscard]] Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<bool> isReady(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<void> open(ToolWindow& window) override;
    [[nodiscard]] bool hasEnded(ToolWindow& window) override;
    [[nodiscard]] Result<void> close(ToolWindow& window) override;
    [[nodiscard]] Result<ToolReport> report(ToolWindow& window) override;

private:
    [[nodiscard]] Result<NsysInstallation> installation();
    /// How many programs were launched in a session; nothing: there is no such session.
    [[nodiscard]] std::optional<int> launchesIn(const NsysInstallation& nsys, const std::string& session) const;

    Options m_options;
    std::mutex m_mutex;
    std::optional<NsysInstallation> m_known; ///< m_mutex: asked for its version and switches once
};

} // namespace gantry::node
