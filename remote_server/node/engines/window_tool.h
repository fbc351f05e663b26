#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::node {

/// A window that something outside of gantryd records.
struct ToolWindow
{
    proto::CaptureRequest request;
    std::filesystem::path folder;                        ///< for files on their way; goes with the window
    std::int64_t openedMonotonicNs = 0, openedUtcNs = 0; ///< it records since then
    std::int64_t closedMonotonicNs = 0;                  ///< 0: it is open
    std::function<void(const std::string& step)> tell;   ///< what is being done: "importing the report, 54 %"
    std::stop_token stop;                                ///< the window is given up: what still runs for it ends
};

/// What became of a window.
struct ToolReport
{
    std::filesystem::path report;            ///< a report or export that Gantry opens, in the window's folder
    std::filesystem::path original;          ///< as the tool wrote it, kept beside the report; empty: nothing to keep
    std::map<std::string, std::string> meta; ///< rows for its META_DATA_CAPTURE
    std::string note;                        ///< what went otherwise than asked
};

/// Something that records windows of a program and is not the capture library: nsys, PyTorch's profiler, a server's own tracer. Its calls
/// come from the thread of one capture at a time, unless said otherwise.
class WindowTool
{
public:
    virtual ~WindowTool() = default;

    /// What will be run for a window of this request. Any thread. Errors: BadInput, NotFound, Unsupported, with what to do.
    [[nodiscard]] virtual Result<std::vector<std::string>> plan(const proto::CaptureRequest& request) = 0;
    /// Whether there is something to record. False: not yet. Error TargetGone: not any more. Any thread.
    [[nodiscard]] virtual Result<bool> isReady(const proto::CaptureRequest& request) = 0;
    /// Returns when it records.
    [[nodiscard]] virtual Result<void> open(ToolWindow& window) = 0;
    /// Whether the window ended by itself, or the target did.
    [[nodiscard]] virtual bool hasEnded(ToolWindow& window) = 0;
    /// Returns when it records no more.
    [[nodiscard]] virtual Result<void> close(ToolWindow& window) = 0;
    [[nodiscard]] virtual Result<ToolReport> report(ToolWindow& window) = 0;
};

} // namespace gantry::node
