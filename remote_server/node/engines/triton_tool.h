#pragma once

#include "remote_server/node/engines/triton_tracer.h"
#include "remote_server/node/engines/window_tool.h"
#include "remote_server/node/sample_history.h"
#include "remote_server/node/sampling/metrics_sink.h"

#include <functional>
#include <memory>
#include <string>

namespace gantry::node {

/// Windows of a stock Triton server, without the capture library: its request tracer is switched on for the window and restored after it,
/// and its requests with their phases and the node's metrics become the report. Any thread.
class TritonTool final : public WindowTool
{
public:
    struct Options
    {
        /// The server of a target; of one that is no target, HOST:PORT. Errors: NotFound, BadInput, with what to do.
        std::function<Result<TritonServer>(const std::string& targetId)> server;
        MetricsSource* metrics = nullptr; ///< null: none
    };

    explicit TritonTool(Options options);
    ~TritonTool() override;

    [[nodiscard]] Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<bool> isReady(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<void> open(ToolWindow& window) override;
    [[nodiscard]] bool hasEnded(ToolWindow& window) override;
    [[nodiscard]] Result<void> close(ToolWindow& window) override;
    [[nodiscard]] Result<ToolReport> report(ToolWindow& window) override;

private:
    Options m_options;
    SampleHistory m_history;
    std::shared_ptr<TritonTracer> m_tracer; ///< of the open window
    std::unique_ptr<WindowCapture> m_closed;
};

} // namespace gantry::node
