#pragma once

#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/node/window_companion.h"
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
/// chunks and has reports written. Owns its threads. All methods: any thread.
///
/// A capture is what one client asked for: one window or several, now, later, or when the program says so; each becomes a report of
/// its own. The node records one capture at a time. One that records into a ring gives way to any other and begins anew after it.
class CaptureEngine
{
public:
    struct Options
    {
        std::filesystem::path socketPath;   ///< AF_UNIX SOCK_SEQPACKET the libraries connect to (GANTRY_CAPTURE_SOCKET)
        std::filesystem::path reportFolder; ///< reports appear here, complete, by rename
        std::filesystem::path gpuSampler;   ///< gantry-gpu-sampler; empty: no hardware counters
        std::vector<int> gpus;              ///< whose hardware counters are sampled, as CUDA numbers them
        MetricsSource* metrics = nullptr;   ///< recorded beside the events; null: none
        /// META rows of the node (host, GPUs, driver, ...), asked for once per report. Any thread.
        std::function<std::map<std::string, std::string>()> nodeSnapshot;
        /// Name of a target id for the report, or empty. Any thread.
        std::function<std::string(const std::string& targetId)> targetName;
        /// META rows of a target: its command line, environment and configurations, asked for once per report. Any thread.
        std::function<std::map<std::string, std::string>(const std::string& targetId)> targetFacts;
        /// Whether a launched target runs, whose further processes a window waits for; and what ends one whose capture asked for that.
        /// Any thread; must neither block nor call the engine.
        std::function<bool(const std::string& targetId)> isTargetRunning;
        std::function<void(const std::string& targetId)> stopTarget;
        /// What records beside the library for a request that asks for it; null: nothing. The thread of start(), which it may block.
        std::function<Result<std::shared_ptr<WindowCompanion>>(const proto::CaptureRequest& request)> companion;
        /// Asks the profiler of a target to open the window of a capture, and to end; the second one more than once, and of captures that
        /// have none. Any thread; must neither block nor call the engine.
        std::function<void(const std::string& captureId, const std::string& targetId)> startProfiler;
        std::function<void(const std::string& captureId)> stopProfiler;
        /// How long processes may take to flush after the end of a window; a very busy one needs some seconds.
        std::chrono::nanoseconds closeGrace = std::chrono::seconds(20);
        /// Called when a report is complete, with its file name. Any thread.
        std::function<void(const std::string& reportName)> onReport;
    };

    [[nodiscard]] static Result<std::unique_ptr<CaptureEngine>> create(Options options);
    virtual ~CaptureEngine() = default;

    [[nodiscard]] virtual std::vector<AttachedProcess> processes() const = 0;

    /// Begins a capture of every attached process of the target, and of those that attach while its window is open. Errors: BadInput
    /// (no target, numbers out of range), Busy (names the holder), NotFound (no such target is attached: says what to set), TargetGone.
    [[nodiscard]] virtual Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) = 0;
    /// Ends a capture now; the report of the open window follows. Empty id: the one that records.
    [[nodiscard]] virtual Result<proto::CaptureStatus> stop(const std::string& captureId) = 0;
    /// Ends a capture whose window nobody will open, with the reason. NotFound: it has ended.
    [[nodiscard]] virtual Result<void> fail(const std::string& captureId, const Error& error) = 0;
    /// Writes a report of the last `lastNs` that a ring holds; 0: of all. Errors: NotFound, BadInput (not a ring), Busy (it does not record
    /// now).
    [[nodiscard]] virtual Result<proto::CaptureStatus> save(const std::string& captureId, DurationNs lastNs, const std::string& label) = 0;
    [[nodiscard]] virtual Result<proto::CaptureStatus> status(const std::string& captureId) const = 0;
    /// Those that have not ended and the last ones that have, in the order in which they were asked for.
    [[nodiscard]] virtual std::vector<proto::CaptureStatus> captures() const = 0;
    /// Status as soon as it differs from `known` (state, windows, reports, events or bytes), or after `timeout`.
    [[nodiscard]] virtual Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                                                     std::chrono::milliseconds timeout) const = 0;
};

} // namespace gantry::node
