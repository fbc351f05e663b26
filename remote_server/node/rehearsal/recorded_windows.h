#pragma once

#include "remote_server/node/engines/window_tool.h"
#include "remote_server/node/rehearsal/recorded_targets.h"
#include "remote_server/proto/node_recording.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace gantry::node {

/// Windows of a rehearsal: they take their time on the real clock, and end with a copy of one of the reports that were recorded, in turn,
/// which says that it is one.
class RecordedWindows final : public WindowTool
{
public:
    /// All outlive it. `isDiskFull`: asked for each report.
    RecordedWindows(const proto::NodeRecording& recording, std::filesystem::path folder, const RecordedTargets& targets,
                    std::function<bool()> isDiskFull);

    /// No commands. Errors: Unsupported for what only a real target can do.
    [[nodiscard]] Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<bool> isReady(const proto::CaptureRequest& request) override;
    [[nodiscard]] Result<void> open(ToolWindow& window) override;
    [[nodiscard]] bool hasEnded(ToolWindow& window) override;
    [[nodiscard]] Result<void> close(ToolWindow& window) override;
    [[nodiscard]] Result<ToolReport> report(ToolWindow& window) override;

private:
    [[nodiscard]] const proto::RecordedReport& nextReport(const std::string& targetId);

    const proto::NodeRecording& m_recording;
    std::filesystem::path m_folder;
    const RecordedTargets& m_targets;
    std::function<bool()> m_isDiskFull;
    std::size_t m_next = 0; ///< which report comes next; the thread of the capture that runs
};

} // namespace gantry::node
