#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_prompter.h"
#include "remote_server/proto/live_types.h"
#include "remote_server/proto/management_types.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/clock_fit.h"
#include "trace_model/base/result.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::app {

/// Offset of the node's CLOCK_MONOTONIC to ours, by round-trip sampling: node = ours + offset ± error.
struct ClockOffset
{
    std::int64_t offsetNs = 0;
    std::int64_t errorNs = 0; ///< half the shortest round trip: a guaranteed bound
    std::int64_t roundTripNs = 0;
};

/// A connection to one gantryd. Calls block (never on the UI thread) and end with Cancelled when `stop` is asked for; errors are
/// sentences with cause and next step. Several threads may call at once; the channel reconnects by itself.
///
/// Addresses are those of NodeAddress. Empty: the default socket, $XDG_RUNTIME_DIR/gantry/gantryd.sock or /tmp/gantry-UID/gantryd.sock.
/// Over SSH reports come on a session of their own, so that live data does not wait behind them.
class NodeClient
{
public:
    /// Connects, checks versions. Errors: Unreachable, NotPermitted (token), VersionMismatch, BadInput (address).
    [[nodiscard]] static Result<std::shared_ptr<NodeClient>> connect(const std::string& address, const std::string& clientName,
                                                                     std::optional<std::chrono::milliseconds> timeout = {},
                                                                     std::stop_token stop = {});

    struct ConnectOptions
    {
        std::string clientName;
        /// Of gantryd's answer; SSH has its own for each step. None: five seconds, and thirty for a command to lead to a gantryd.
        std::optional<std::chrono::milliseconds> timeout;
        std::shared_ptr<SshPrompter> prompter; ///< also for connections later on; null: nobody is there to ask
        OnConnectStep onStep;                  ///< the same; may be empty
    };
    [[nodiscard]] static Result<std::shared_ptr<NodeClient>> connect(const std::string& address, ConnectOptions options,
                                                                     std::stop_token stop = {});
    ~NodeClient();

    [[nodiscard]] const proto::HelloInfo& hello() const;
    [[nodiscard]] const std::string& address() const;

    /// Waits until the node answers again, as after a cut connection or a restart of gantryd. Errors: Unreachable after
    /// `timeout`, Cancelled, NotPermitted, VersionMismatch (another gantryd is there now). hello() stays that of connect().
    [[nodiscard]] Result<void> reconnect(std::chrono::milliseconds timeout, std::stop_token stop);

    [[nodiscard]] Result<proto::NodeInfo> nodeInfo(std::stop_token stop = {});
    /// What of Gantry works there; a few seconds at most.
    [[nodiscard]] Result<proto::ReadinessReport> readiness(std::stop_token stop = {});
    /// That use a GPU, and those of targets.
    [[nodiscard]] Result<proto::ProcessList> processes(std::stop_token stop = {});
    [[nodiscard]] Result<std::vector<proto::Target>> targets(std::stop_token stop = {});
    [[nodiscard]] Result<std::vector<proto::TargetProfileInfo>> targetProfiles(std::stop_token stop = {});
    [[nodiscard]] Result<proto::Target> launch(const proto::LaunchRequest& request, std::stop_token stop = {});
    [[nodiscard]] Result<proto::Target> stopTarget(const std::string& id, DurationNs graceNs = 0, std::stop_token stop = {});
    /// Launches it again as it was launched; it has a new id.
    [[nodiscard]] Result<proto::Target> restartTarget(const std::string& id, DurationNs graceNs = 0, std::stop_token stop = {});

    // The models of a target that is an inference server. Errors: NotFound, TargetGone, Unsupported (no endpoint, or no such call),
    // Unreachable and what that server says.
    [[nodiscard]] Result<std::vector<proto::ModelInfo>> models(const std::string& targetId, std::stop_token stop = {});
    [[nodiscard]] Result<proto::ModelConfigText> modelConfig(const std::string& targetId, const std::string& model,
                                                             const std::string& version = {}, std::stop_token stop = {});
    /// What keeps a text from being read as a config.pbtxt; empty: nothing.
    [[nodiscard]] Result<std::vector<proto::ConfigProblem>> checkModelConfig(const std::string& text, std::stop_token stop = {});
    /// Returns when it serves, in minutes for large models; a model that cannot be loaded leaves what served before. `configText` empty:
    /// with the repository's config.pbtxt.
    [[nodiscard]] Result<void> loadModel(const std::string& targetId, const std::string& model, const std::string& configText = {},
                                         std::stop_token stop = {});
    [[nodiscard]] Result<void> unloadModel(const std::string& targetId, const std::string& model, std::stop_token stop = {});

    [[nodiscard]] Result<proto::CaptureStatus> startCapture(const proto::CaptureRequest& request, std::stop_token stop = {});
    [[nodiscard]] Result<proto::CaptureStatus> stopCapture(const std::string& captureId, std::stop_token stop = {});
    /// Of a capture that records into a ring: a report of its last `lastNs`, 0: of all; its name is then the status' newest.
    [[nodiscard]] Result<proto::CaptureStatus> saveCapture(const std::string& captureId, DurationNs lastNs, const std::string& label,
                                                           std::stop_token stop = {});
    [[nodiscard]] Result<std::vector<proto::CaptureStatus>> captures(std::stop_token stop = {});
    enum class WatchUntil
    {
        Reports, ///< the capture is done or failed
        Cost     ///< and the time after its last window has been measured
    };
    /// Calls `onStatus` for each change; returns the last status.
    [[nodiscard]] Result<proto::CaptureStatus> watchCapture(const std::string& captureId,
                                                            const std::function<void(const proto::CaptureStatus&)>& onStatus,
                                                            std::stop_token stop, WatchUntil until = WatchUntil::Reports);

    [[nodiscard]] Result<std::vector<proto::ReportInfo>> reports(std::stop_token stop = {});
    /// The same, with the room that they take and which of them stay.
    [[nodiscard]] Result<proto::ReportShelf> reportShelf(std::stop_token stop = {});
    [[nodiscard]] Result<proto::ReportShelf> setReportPolicy(const proto::ReportPolicy& policy, std::stop_token stop = {});
    [[nodiscard]] Result<proto::ReportInfo> keepReport(const std::string& name, bool keep, std::stop_token stop = {});
    [[nodiscard]] Result<void> deleteReport(const std::string& name, std::stop_token stop = {});

    /// Chunks from `offset` on, each CRC-checked here; `onChunk` returns an error to end. Used by ReportFetcher.
    struct Chunk
    {
        std::uint64_t offset = 0;
        std::string data;
        std::uint64_t totalBytes = 0;
        bool last = false;
        std::string sha256;
    };
    [[nodiscard]] Result<void> fetch(const std::string& reportName, std::uint64_t offset, const std::string& expectedSha256,
                                     const std::function<Result<void>(const Chunk&)>& onChunk, std::stop_token stop);

    /// What a report on its way to the node's nsys and back tells. All called by the calling thread.
    struct ExportWatch
    {
        std::function<void(std::uint64_t bytes)> onSent;         ///< of the report
        std::function<void(double fraction)> onProgress;         ///< of nsys, 0..1; at least once a second
        std::function<Result<void>(const Chunk& chunk)> onChunk; ///< of the export, checked; an error ends the call
    };
    /// Sends a report of Nsight Systems, of `bytes`, to be exported with the node's nsys. Errors: Unsupported (no nsys there), Busy, those
    /// of nsys (BadInput, with its last lines), CannotWrite (the node's disk), Cancelled; Unreachable also after a minute of silence.
    [[nodiscard]] Result<void> exportNsysReport(const std::filesystem::path& report, std::uint64_t bytes, const ExportWatch& watch,
                                                std::stop_token stop);

    /// Batches until stopped (returns success) or the connection breaks (returns the error).
    [[nodiscard]] Result<void> streamMetrics(std::uint32_t maxRateHz, const std::function<void(const proto::MetricsBatch&)>& onBatch,
                                             std::stop_token stop);
    /// What was measured before, in parts: of a series the earlier points first. `onPart` false ends it.
    [[nodiscard]] Result<void> readHistory(const proto::HistoryRequest& request, const std::function<bool(proto::HistoryPart&&)>& onPart,
                                           std::stop_token stop = {});
    [[nodiscard]] Result<std::vector<proto::MetricSource>> metricSources(std::stop_token stop = {});
    /// `periodNs` 0: a second.
    [[nodiscard]] Result<proto::MetricSource> addMetricSource(const std::string& url, DurationNs periodNs, std::stop_token stop = {});
    [[nodiscard]] Result<void> removeMetricSource(const std::string& id, std::stop_token stop = {});
    [[nodiscard]] Result<std::vector<proto::AlertState>> alertRules(std::stop_token stop = {});
    /// Adds (empty id) or changes one.
    [[nodiscard]] Result<proto::AlertState> setAlertRule(const proto::AlertRule& rule, std::stop_token stop = {});
    [[nodiscard]] Result<void> deleteAlertRule(const std::string& id, std::stop_token stop = {});
    /// Every rule first, then each that changes; until stopped (success) or the connection breaks.
    [[nodiscard]] Result<void> watchAlerts(const std::function<void(const proto::AlertState&)>& onState, std::stop_token stop);
    [[nodiscard]] Result<void> tailLog(const std::string& targetId, std::uint32_t lastLines,
                                       const std::function<void(const proto::LogLine&)>& onLine, std::stop_token stop);

    /// One round trip between this machine's CLOCK_MONOTONIC and the node's.
    struct ClockReading
    {
        ClockExchange exchange;
        std::int64_t nodeUtcNs = 0; ///< the node's CLOCK_REALTIME at exchange.answered
    };
    [[nodiscard]] Result<ClockReading> exchangeClocks(std::stop_token stop = {});
    /// Best of `rounds` round trips.
    [[nodiscard]] Result<ClockOffset> sampleClock(int rounds = 16);

private:
    struct Impl;
    explicit NodeClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

/// The default socket path of a node on this machine, without "unix:".
[[nodiscard]] std::string defaultSocketPath();

} // namespace gantry::app
