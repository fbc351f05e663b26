#pragma once

#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::node {

/// A process whose capture library has connected.
struct AttachedProcess
{
    int pid = 0;
    std::string targetId;   ///< GANTRY_TARGET_ID of its environment; empty: started by hand
    std::string executable; ///< full path
    std::string commandLine;
    bool cudaLoaded = false;
};

/// Talks to the capture libraries in the target processes: accepts them, opens and closes windows, drains their shared-memory
/// chunks and assembles reports. Owns its threads. All methods: any thread.
class CaptureEngine
{
public:
    struct Options
    {
        std::filesystem::path socketPath;    ///< AF_UNIX SOCK_SEQPACKET the libraries connect to (GANTRY_CAPTURE_SOCKET)
        std::filesystem::path reportFolder;  ///< reports appear here, complete, by rename
        MetricsSource* metrics = nullptr;    ///< recorded beside the events; null: none
        /// META rows of the node (host, GPUs, driver, ...), asked for once per report, on the engine's thread.
        std::function<std::map<std::string, std::string>()> nodeSnapshot;
        /// Name of a target id for the report, or empty.
        std::function<std::string(const std::string& targetId)> targetName;
        /// How long processes may take to flush after the end of a window; a very busy one needs some seconds.
        std::chrono::nanoseconds closeGrace = std::chrono::seconds(20);
        /// Called when a report is complete, with its file name. Engine's thread.
        std::function<void(const std::string& reportName)> onReport;
    };

    [[nodiscard]] static Result<std::unique_ptr<CaptureEngine>> create(Options options);
    virtual ~CaptureEngine() = default;

    [[nodiscard]] virtual std::vector<AttachedProcess> processes() const = 0;

    /// Opens a window on every attached process of the target. Errors: BadInput (no target, negative length), Busy (names the
    /// holder), NotFound (no such target is attached: says what to set), TargetGone.
    [[nodiscard]] virtual Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) = 0;
    /// Ends a window now; the report follows. Empty id: the open one.
    [[nodiscard]] virtual Result<proto::CaptureStatus> stop(const std::string& captureId) = 0;
    [[nodiscard]] virtual Result<proto::CaptureStatus> status(const std::string& captureId) const = 0;
    /// Status as soon as it differs from `known` (state, events or bytes), or after `timeout`.
    [[nodiscard]] virtual Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                                     std::chrono::milliseconds timeout) const = 0;
};

} // namespace gantry::node
