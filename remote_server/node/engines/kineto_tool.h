#pragma once

#include "remote_server/node/engines/kineto_fabric.h"
#include "remote_server/node/engines/window_tool.h"

#include <functional>
#include <string>
#include <vector>

namespace gantry::node {

/// PyTorch's own profiler on demand, for targets whose CUPTI is PyTorch's: they are launched with its switch, asked for a trace of the
/// window's length, and their traces become one report. Any thread.
class KinetoTool final : public WindowTool
{
public:
    struct Options
    {
        /// A target that was launched here. Errors: NotFound.
        std::function<Result<proto::Target>(const std::string& targetId)> target;
        std::function<bool(const std::string& targetId)> isTargetRunning;
    };

    KinetoTool(Options options, KinetoFabric& fabric) : m_options(std::move(options)), m_fabric(fabric) {}

    [[nodiscard]] Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<bool> isReady(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<void> open(ToolWindow& window) override;
    [[nodiscard]] bool hasEnded(ToolWindow& window) override;
    [[nodiscard]] Result<void> close(ToolWindow& window) override;
    [[nodiscard]] Result<ToolReport> report(ToolWindow& window) override;

private:
    [[nodiscard]] Result<std::vector<int>> processesOf(const std::string& targetId) const;

    Options m_options;
    KinetoFabric& m_fabric;
    std::vector<int> m_tracing; ///< of the window
    std::string m_note;
};

} // namespace gantry::node
