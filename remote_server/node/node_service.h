#pragma once

#include "remote_server/node/alerts/alert_rules.h"
#include "remote_server/node/capture_engine.h"
#include "remote_server/node/clock.h"
#include "remote_server/node/history/metric_history.h"
#include "remote_server/node/log_ring.h"
#include "remote_server/node/node_face.h"
#include "remote_server/node/nsys_export_call.h"
#include "remote_server/node/process_list.h"
#include "remote_server/node/readiness/readiness.h"
#include "remote_server/node/report_retention.h"
#include "remote_server/node/report_store.h"
#include "remote_server/node/sampling/metric_sources.h"
#include "remote_server/node/sampling/nvml.h"
#include "remote_server/node/server_models.h"
#include "remote_server/node/target_profiles.h"
#include "remote_server/node/targets.h"

#include "gantry/v1/node.grpc.pb.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace gantry::node {

/// The gRPC face of the daemon: checks who calls and with which protocol, converts, and asks the parts that do the work.
/// gRPC's threads; every streaming call holds one of them, so the server bounds their number (kMostStreams).
class NodeService final : public v1::Node::Service
{
public:
    static constexpr int kMostStreams = 48;

    struct Parts
    {
        CaptureEngine& engine;
        Targets& targets;
        const TargetProfiles& profiles;
        TargetProfiler& profiler;
        ReportStore& reports;
        ReportRetention& retention;
        NsysExports& nsysExports;
        MetricsSource& metrics;
        MetricHistory& history;
        MetricSources& sources;
        AlertRules& alerts;
        const Nvml* gpus = nullptr;
        std::string noGpuReason;
        Readiness& readiness;
        ProcessLister& processes;
        LogRing& daemonLog;
        std::string token;        ///< empty: the transport itself is private (unix socket)
        NodeFace* face = nullptr; ///< null: the node speaks for this machine
    };

    explicit NodeService(Parts parts) : m_parts(std::move(parts)), m_startedUtcNs(utcOfNode()) {}

    /// Ends all streams; calls that come later are refused.
    void shutDown() { m_stopping = true; }

    /// How long ago the last call ended; 0 while one is running.
    [[nodiscard]] std::chrono::nanoseconds idleTime() const;

    grpc::Status Hello(grpc::ServerContext* context, const v1::HelloRequest* request, v1::HelloReply* reply) override;
    grpc::Status GetNodeInfo(grpc::ServerContext* context, const v1::GetNodeInfoRequest* request, v1::NodeInfo* reply) override;
    grpc::Status CheckReadiness(grpc::ServerContext* context, const v1::CheckReadinessRequest* request,
                                v1::ReadinessReport* reply) override;
    grpc::Status ListProcesses(grpc::ServerContext* context, const v1::ListProcessesRequest* request,
                               v1::ListProcessesReply* reply) override;
    grpc::Status ListTargets(grpc::ServerContext* context, const v1::ListTargetsRequest* request, v1::ListTargetsReply* reply) override;
    grpc::Status LaunchTarget(grpc::ServerContext* context, const v1::LaunchTargetRequest* request, v1::Target* reply) override;
    grpc::Status ListTargetProfiles(grpc::ServerContext* context, const v1::ListTargetProfilesRequest* request,
                                    v1::ListTargetProfilesReply* reply) override;
    grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request, v1::ListModelsReply* reply) override;
    grpc::Status GetModelConfig(grpc::ServerContext* context, const v1::GetModelConfigRequest* request,
                                v1::ModelConfigText* reply) override;
    grpc::Status CheckModelConfig(grpc::ServerContext* context, const v1::CheckModelConfigRequest* request,
                                  v1::CheckModelConfigReply* reply) override;
    grpc::Status LoadModel(grpc::ServerContext* context, const v1::LoadModelRequest* request, v1::LoadModelReply* reply) override;
    grpc::Status UnloadModel(grpc::ServerContext* context, const v1::UnloadModelRequest* request, v1::UnloadModelReply* reply) override;
    grpc::Status StopTarget(grpc::ServerContext* context, const v1::StopTargetRequest* request, v1::Target* reply) override;
    grpc::Status RestartTarget(grpc::ServerContext* context, const v1::StopTargetRequest* request, v1::Target* reply) override;
    grpc::Status StartCapture(grpc::ServerContext* context, const v1::StartCaptureRequest* request, v1::CaptureStatus* reply) override;
    grpc::Status StopCapture(grpc::ServerContext* context, const v1::StopCaptureRequest* request, v1::CaptureStatus* reply) override;
    grpc::Status SaveCapture(grpc::ServerContext* context, const v1::SaveCaptureRequest* request, v1::CaptureStatus* reply) override;
    grpc::Status ListCaptures(grpc::ServerContext* context, const v1::ListCapturesRequest* request, v1::ListCapturesReply* reply) override;
    grpc::Status WatchCapture(grpc::ServerContext* context, const v1::WatchCaptureRequest* request,
                              grpc::ServerWriter<v1::CaptureStatus>* writer) override;
    grpc::Status ListReports(grpc::ServerContext* context, const v1::ListReportsRequest* request, v1::ListReportsReply* reply) override;
    grpc::Status FetchReport(grpc::ServerContext* context, const v1::FetchReportRequest* request,
                             grpc::ServerWriter<v1::ReportChunk>* writer) override;
    grpc::Status DeleteReport(grpc::ServerContext* context, const v1::DeleteReportRequest* request, v1::DeleteReportReply* reply) override;
    grpc::Status KeepReport(grpc::ServerContext* context, const v1::KeepReportRequest* request, v1::ReportInfo* reply) override;
    grpc::Status SetReportPolicy(grpc::ServerContext* context, const v1::ReportPolicy* request, v1::ListReportsReply* reply) override;
    grpc::Status ExportNsysReport(grpc::ServerContext* context, NsysExportStream* stream) override;
    grpc::Status StreamMetrics(grpc::ServerContext* context, const v1::StreamMetricsRequest* request,
                               grpc::ServerWriter<v1::MetricsBatch>* writer) override;
    grpc::Status ReadHistory(grpc::ServerContext* context, const v1::ReadHistoryRequest* request,
                             grpc::ServerWriter<v1::HistoryPart>* writer) override;
    grpc::Status ListMetricSources(grpc::ServerContext* context, const v1::ListMetricSourcesRequest* request,
                                   v1::ListMetricSourcesReply* reply) override;
    grpc::Status AddMetricSource(grpc::ServerContext* context, const v1::AddMetricSourceRequest* request, v1::MetricSource* reply) override;
    grpc::Status RemoveMetricSource(grpc::ServerContext* context, const v1::RemoveMetricSourceRequest* request,
                                    v1::RemoveMetricSourceReply* reply) override;
    grpc::Status ListAlertRules(grpc::ServerContext* context, const v1::ListAlertRulesRequest* request,
                                v1::ListAlertRulesReply* reply) override;
    grpc::Status SetAlertRule(grpc::ServerContext* context, const v1::AlertRule* request, v1::AlertState* reply) override;
    grpc::Status DeleteAlertRule(grpc::ServerContext* context, const v1::DeleteAlertRuleRequest* request,
                                 v1::DeleteAlertRuleReply* reply) override;
    grpc::Status WatchAlerts(grpc::ServerContext* context, const v1::WatchAlertsRequest* request,
                             grpc::ServerWriter<v1::AlertState>* writer) override;
    grpc::Status TailLog(grpc::ServerContext* context, const v1::TailLogRequest* request, grpc::ServerWriter<v1::LogLine>* writer) override;
    grpc::Status SampleClock(grpc::ServerContext* context, const v1::ClockPing* request, v1::ClockPong* reply) override;

private:
    enum class Versions
    {
        MustAgree,
        MayDiffer
    };

    /// Runs a call: authorisation, versions, errors and exceptions in one place.
    grpc::Status call(grpc::ServerContext& context, Versions versions, const std::function<Result<void>()>& body);
    /// The same for a stream, of which only so many run at once.
    grpc::Status stream(grpc::ServerContext& context, const std::function<Result<void>()>& body);
    [[nodiscard]] Result<void> authorise(const grpc::ServerContext& context, Versions versions) const;
    /// The models of a target. Errors: NotFound, TargetGone, Unsupported (it has no endpoint).
    [[nodiscard]] Result<std::unique_ptr<ServerModels>> modelsOf(const std::string& targetId, const grpc::ServerContext& context) const;
    [[nodiscard]] proto::NodeInfo describe() const;
    [[nodiscard]] std::int64_t utcOfNode() const { return m_parts.face ? m_parts.face->utcNow() : utcNow(); }
    [[nodiscard]] std::uint32_t protocolVersion() const;
    [[nodiscard]] bool goesOn(const grpc::ServerContext& context) const { return !m_stopping && !context.IsCancelled(); }

    Parts m_parts;
    std::int64_t m_startedUtcNs;
    std::atomic<bool> m_stopping{false};
    std::atomic<int> m_calls{0};
    std::atomic<int> m_streams{0};
    std::atomic<std::chrono::steady_clock::rep> m_lastCall{std::chrono::steady_clock::now().time_since_epoch().count()};
};

} // namespace gantry::node
