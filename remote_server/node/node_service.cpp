#include "remote_server/node/node_service.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/live_queue.h"
#include "remote_server/node/model_control.h"
#include "remote_server/node/node_info.h"
#include "remote_server/node/shown_name.h"
#include "remote_server/proto/convert.h"
#include "remote_server/proto/convert_management.h"
#include "remote_server/proto/file_chunks.h"
#include "remote_server/proto/protocol_version.h"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>
#include <thread>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kStreamPoll{100}; // how soon a stream notices that its client is gone

/// Empty where there is none, or more than one: which of them would count is nobody's guess.
std::string metadata(const grpc::ServerContext& context, const char* key)
{
    const auto found = context.client_metadata().find(key);
    return context.client_metadata().count(key) != 1 ? std::string() : std::string(found->second.data(), found->second.size());
}

bool equalInConstantTime(const std::string& a, const std::string& b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Counts one more for as long as it lives, also when an exception ends it.
class Counted
{
public:
    explicit Counted(std::atomic<int>& count) : m_count(count) { ++m_count; }
    ~Counted() { --m_count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::atomic<int>& m_count;
};

std::vector<RunningTarget> runningTargets(const std::vector<proto::Target>& targets)
{
    std::vector<RunningTarget> running;
    for (const proto::Target& target : targets)
        if (target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting)
            running.push_back({target.id, target.name, target.pid});
    return running;
}

} // namespace

std::chrono::nanoseconds NodeService::idleTime() const
{
    if (m_calls > 0)
        return {};
    return std::chrono::steady_clock::now().time_since_epoch() - std::chrono::steady_clock::duration(m_lastCall);
}

Result<void> NodeService::authorise(const grpc::ServerContext& context, Versions versions) const
{
    if (!m_parts.token.empty() && !equalInConstantTime(metadata(context, proto::kAuthorizationKey), "Bearer " + m_parts.token))
        return Error{
            ErrorCode::NotPermitted, "the token is missing or wrong: pass the node's token file, ?token-file=PATH in the address", {}};
    const std::string version = metadata(context, proto::kProtocolKey);
    if (versions == Versions::MustAgree && version != std::to_string(protocolVersion()))
        return Error{ErrorCode::VersionMismatch,
                     "this gantryd speaks protocol " + std::to_string(protocolVersion()) + ", the client " +
                         (version.empty() ? "none" : version) + ": upgrade the older of the two",
                     {}};
    if (m_stopping)
        return Error{ErrorCode::Unreachable, "gantryd is shutting down", {}};
    return {};
}

grpc::Status NodeService::call(grpc::ServerContext& context, Versions versions, const std::function<Result<void>()>& body)
{
    ++m_calls;
    Result<void> result;
    try {
        result = authorise(context, versions);
        if (result)
            result = body();
    } catch (const std::exception& exception) { // a library's; ours are Results
        result = Error{ErrorCode::Internal, std::string("gantryd failed: ") + exception.what(), {}};
    }
    m_lastCall = std::chrono::steady_clock::now().time_since_epoch().count();
    --m_calls;
    return result ? grpc::Status::OK : proto::toStatus(result.error(), context);
}

grpc::Status NodeService::stream(grpc::ServerContext& context, const std::function<Result<void>()>& body)
{
    return call(context, Versions::MustAgree, [&]() -> Result<void> {
        const Counted counted(m_streams);
        if (m_streams > kMostStreams)
            return Error{ErrorCode::Busy, "too many clients watch this node at once: close one of them", {}};
        return body();
    });
}

grpc::Status NodeService::Hello(grpc::ServerContext* context, const v1::HelloRequest* request, v1::HelloReply* reply)
{
    return call(*context, Versions::MayDiffer, [&]() -> Result<void> {
        if (request->protocol_version() != protocolVersion())
            spdlog::warn("client {} speaks protocol {}, this daemon {}", shownName(request->client_name()), request->protocol_version(),
                         protocolVersion());
        proto::HelloInfo hello{protocolVersion(), GANTRY_VERSION, {}, bootId(), m_startedUtcNs};
        hello.hostName = m_parts.face ? m_parts.face->info().hostName : node::hostName();
        *reply = proto::toWire(hello);
        return {};
    });
}

grpc::Status NodeService::GetNodeInfo(grpc::ServerContext* context, const v1::GetNodeInfoRequest*, v1::NodeInfo* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        proto::NodeInfo info = describe();
        NsysExports::Program nsys = m_parts.nsysExports.nsys();
        info.nsysPath = std::move(nsys.path);
        info.nsysVersion = std::move(nsys.version);
        *reply = proto::toWire(info);
        return {};
    });
}

grpc::Status NodeService::CheckReadiness(grpc::ServerContext* context, const v1::CheckReadinessRequest*, v1::ReadinessReport* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        if (!m_parts.face) {
            *reply = proto::toWire(m_parts.readiness.check(runningTargets(m_parts.targets.list())));
            return {};
        }
        GANTRY_TRY(const auto recorded, m_parts.face->readiness());
        *reply = proto::toWire(recorded);
        return {};
    });
}

grpc::Status NodeService::ListProcesses(grpc::ServerContext* context, const v1::ListProcessesRequest*, v1::ListProcessesReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        if (!m_parts.face) {
            *reply = proto::toWire(m_parts.processes.list(m_parts.targets.list()));
            return {};
        }
        GANTRY_TRY(const auto recorded, m_parts.face->processes());
        *reply = proto::toWire(recorded);
        return {};
    });
}

grpc::Status NodeService::ListTargets(grpc::ServerContext* context, const v1::ListTargetsRequest*, v1::ListTargetsReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const proto::Target& target : m_parts.targets.list())
            *reply->add_targets() = proto::toWire(target);
        return {};
    });
}

grpc::Status NodeService::LaunchTarget(grpc::ServerContext* context, const v1::LaunchTargetRequest* request, v1::Target* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto target, m_parts.targets.launch(proto::fromWire(*request)));
        *reply = proto::toWire(target);
        return {};
    });
}

grpc::Status NodeService::StopTarget(grpc::ServerContext* context, const v1::StopTargetRequest* request, v1::Target* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto target, m_parts.targets.stop(request->id(), request->grace_ns()));
        *reply = proto::toWire(target);
        return {};
    });
}

grpc::Status NodeService::RestartTarget(grpc::ServerContext* context, const v1::StopTargetRequest* request, v1::Target* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto target, m_parts.targets.restart(request->id(), request->grace_ns()));
        *reply = proto::toWire(target);
        return {};
    });
}

grpc::Status NodeService::ListTargetProfiles(grpc::ServerContext* context, const v1::ListTargetProfilesRequest*,
                                             v1::ListTargetProfilesReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const TargetProfile& profile : m_parts.profiles.all())
            *reply->add_profiles() =
                proto::toWire({profile.name, profile.title, !profile.iterationVariables.empty(), profile.start.has_value(), profile.notes});
        return {};
    });
}

proto::NodeInfo NodeService::describe() const
{
    if (m_parts.face)
        return m_parts.face->info();
    proto::NodeInfo info = describeNode(m_parts.gpus, m_parts.noGpuReason, m_parts.reports.folder());
    if (const auto room = m_parts.retention.diskRoom())
        info.diskFreeBytes = room->freeBytes;
    return info;
}

std::uint32_t NodeService::protocolVersion() const
{
    return m_parts.face ? m_parts.face->protocolVersion() : proto::kProtocolVersion;
}

Result<std::unique_ptr<ServerModels>> NodeService::modelsOf(const std::string& targetId, const grpc::ServerContext& context) const
{
    GANTRY_TRY(const proto::Target target, m_parts.targets.find(targetId));
    if (target.state == proto::TargetState::Exited || target.state == proto::TargetState::Killed)
        return Error{ErrorCode::TargetGone, "target " + targetId + " has ended: its models are gone with it; launch it again", {}};
    if (target.grpcAddress.empty())
        return Error{ErrorCode::Unsupported,
                     "target " + targetId + " has no inference endpoint: launch it with `gantryctl target launch --grpc-address HOST:PORT`",
                     {}};
    if (m_parts.face)
        return m_parts.face->models(targetId);
    return std::unique_ptr<ServerModels>(std::make_unique<ModelControl>(target.grpcAddress, context));
}

grpc::Status NodeService::ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request, v1::ListModelsReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto control, modelsOf(request->target_id(), *context));
        GANTRY_TRY(const auto models, control->list());
        for (const proto::ModelInfo& model : models)
            *reply->add_models() = proto::toWire(model);
        return {};
    });
}

grpc::Status NodeService::GetModelConfig(grpc::ServerContext* context, const v1::GetModelConfigRequest* request, v1::ModelConfigText* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto control, modelsOf(request->target_id(), *context));
        GANTRY_TRY(const auto config, control->config(request->model(), request->version()));
        *reply = proto::toWire(config);
        return {};
    });
}

grpc::Status NodeService::CheckModelConfig(grpc::ServerContext* context, const v1::CheckModelConfigRequest* request,
                                           v1::CheckModelConfigReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const proto::ConfigProblem& problem : configProblems(request->text(), m_parts.targets.list()))
            *reply->add_problems() = proto::toWire(problem);
        return {};
    });
}

grpc::Status NodeService::LoadModel(grpc::ServerContext* context, const v1::LoadModelRequest* request, v1::LoadModelReply*)
{
    return stream(*context, [&]() -> Result<void> { // may take minutes, so it counts as one
        GANTRY_TRY(const auto control, modelsOf(request->target_id(), *context));
        return control->load(request->model(), request->config_text());
    });
}

grpc::Status NodeService::UnloadModel(grpc::ServerContext* context, const v1::UnloadModelRequest* request, v1::UnloadModelReply*)
{
    return stream(*context, [&]() -> Result<void> {
        GANTRY_TRY(const auto control, modelsOf(request->target_id(), *context));
        return control->unload(request->model());
    });
}

grpc::Status NodeService::StartCapture(grpc::ServerContext* context, const v1::StartCaptureRequest* request, v1::CaptureStatus* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        const proto::CaptureRequest wanted = proto::fromWire(*request);
        if (wanted.drivesProfiler) {
            GANTRY_TRY(auto calls, m_parts.targets.profilerCalls(wanted.targetId));
            m_parts.profiler.prepare(wanted.targetId, std::move(calls));
        }
        std::string shortage;
        if (!wanted.isPlanOnly) {
            GANTRY_TRY(shortage, m_parts.retention.roomForCapture());
        }
        GANTRY_TRY(auto status, m_parts.engine.start(wanted));
        if (status.message.empty())
            status.message = std::move(shortage);
        *reply = proto::toWire(status);
        return {};
    });
}

grpc::Status NodeService::StopCapture(grpc::ServerContext* context, const v1::StopCaptureRequest* request, v1::CaptureStatus* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto status, m_parts.engine.stop(request->capture_id()));
        *reply = proto::toWire(status);
        return {};
    });
}

grpc::Status NodeService::SaveCapture(grpc::ServerContext* context, const v1::SaveCaptureRequest* request, v1::CaptureStatus* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto status, m_parts.engine.save(request->capture_id(), request->last_ns(), request->label()));
        *reply = proto::toWire(status);
        return {};
    });
}

grpc::Status NodeService::ListCaptures(grpc::ServerContext* context, const v1::ListCapturesRequest*, v1::ListCapturesReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const proto::CaptureStatus& status : m_parts.engine.captures())
            *reply->add_captures() = proto::toWire(status);
        return {};
    });
}

grpc::Status NodeService::WatchCapture(grpc::ServerContext* context, const v1::WatchCaptureRequest* request,
                                       grpc::ServerWriter<v1::CaptureStatus>* writer)
{
    return stream(*context, [&]() -> Result<void> {
        GANTRY_TRY(auto status, m_parts.engine.status(request->capture_id()));
        const auto isOver = [&] { return status.isFinished() && !(request->until_cost() && status.isCostPending); };
        while (writer->Write(proto::toWire(status)) && !isOver() && goesOn(*context)) {
            GANTRY_TRY(status, m_parts.engine.waitForChange(request->capture_id(), status, kStreamPoll));
        }
        return {};
    });
}

grpc::Status NodeService::ListReports(grpc::ServerContext* context, const v1::ListReportsRequest*, v1::ListReportsReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        *reply = proto::toWire(m_parts.retention.shelf());
        return {};
    });
}

grpc::Status NodeService::FetchReport(grpc::ServerContext* context, const v1::FetchReportRequest* request,
                                      grpc::ServerWriter<v1::ReportChunk>* writer)
{
    return stream(*context, [&]() -> Result<void> {
        GANTRY_TRY(const auto path, m_parts.reports.pathOf(request->name()));
        ReportStore::Fetch fetch(m_parts.reports, request->name());
        GANTRY_TRY(auto info, m_parts.reports.info(request->name()));
        if (!request->expected_sha256().empty() && request->expected_sha256() != info.sha256)
            return Error{ErrorCode::BadInput, "the report has changed since the fetch began: fetch it from the start", {}};
        if (request->offset() > info.sizeBytes)
            return Error{ErrorCode::BadInput, "the fetch begins behind the end of the report: fetch it from the start", {}};
        auto opened = std::make_unique<proto::FileChunks>(path, request->offset(), info.sizeBytes, proto::Digest::None);
        GANTRY_TRY(const auto now, m_parts.reports.info(request->name()));
        if (now.sha256 != info.sha256) { // its cost was completed in between: what is open may be the one or the other
            if (!request->expected_sha256().empty())
                return Error{ErrorCode::BadInput, "the report has changed since the fetch began: fetch it from the start", {}};
            info = now;
            opened = std::make_unique<proto::FileChunks>(path, request->offset(), info.sizeBytes, proto::Digest::None);
        }
        proto::FileChunks& chunks = *opened;
        while (!chunks.isAtEnd()) {
            const bool isFirst = chunks.offset() == request->offset();
            GANTRY_TRY(v1::ReportChunk chunk, chunks.next());
            if (isFirst || chunk.last())
                chunk.set_sha256(info.sha256);
            if (!writer->Write(chunk))
                return Error{ErrorCode::Cancelled, "the client ended the fetch", {}};
            if (!chunk.last() && !goesOn(*context))
                return Error{ErrorCode::Unreachable, "gantryd is shutting down: fetch the rest when it runs again", {}};
        }
        fetch.setComplete();
        return {};
    });
}

grpc::Status NodeService::DeleteReport(grpc::ServerContext* context, const v1::DeleteReportRequest* request, v1::DeleteReportReply*)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_CHECK(m_parts.reports.remove(request->name()));
        spdlog::info("report {} is deleted, as a client asked", request->name());
        return {};
    });
}

grpc::Status NodeService::KeepReport(grpc::ServerContext* context, const v1::KeepReportRequest* request, v1::ReportInfo* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto report, m_parts.retention.keep(request->name(), request->keep()));
        *reply = proto::toWire(report);
        return {};
    });
}

grpc::Status NodeService::SetReportPolicy(grpc::ServerContext* context, const v1::ReportPolicy* request, v1::ListReportsReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_CHECK(m_parts.retention.setPolicy(proto::fromWire(*request)));
        *reply = proto::toWire(m_parts.retention.shelf());
        return {};
    });
}

grpc::Status NodeService::ExportNsysReport(grpc::ServerContext* context, NsysExportStream* messages)
{
    return stream(*context, [&]() -> Result<void> {
        const auto done = serveNsysExport(m_parts.nsysExports, *context, *messages, [&] { return goesOn(*context); });
        if (!done && m_stopping)
            return Error{ErrorCode::Unreachable, "gantryd is shutting down: export the report when it runs again", {}};
        return done;
    });
}

grpc::Status NodeService::StreamMetrics(grpc::ServerContext* context, const v1::StreamMetricsRequest* request,
                                        grpc::ServerWriter<v1::MetricsBatch>* writer)
{
    return stream(*context, [&]() -> Result<void> {
        const std::chrono::nanoseconds pause(request->max_rate_hz() > 0 ? 1'000'000'000 / request->max_rate_hz() : 0);
        LiveQueue queue;
        const AttachedSink attached(m_parts.metrics, queue);
        auto next = std::chrono::steady_clock::now();
        while (goesOn(*context)) {
            // Short sleeps, so that a client which asked for one batch a minute and left is noticed.
            if (const auto now = std::chrono::steady_clock::now(); now < next) {
                std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(next - now, kStreamPoll));
                continue;
            }
            auto batch = queue.take(kStreamPoll);
            if (!batch)
                continue;
            batch->nodeMonoNs = monotonicNow();
            batch->nodeUtcNs = utcOfNode();
            next = std::chrono::steady_clock::now() + pause;
            if (!writer->Write(proto::toWire(*batch)))
                break;
        }
        return {};
    });
}

grpc::Status NodeService::TailLog(grpc::ServerContext* context, const v1::TailLogRequest* request, grpc::ServerWriter<v1::LogLine>* writer)
{
    return stream(*context, [&]() -> Result<void> {
        std::shared_ptr<LogRing> targetLog;
        if (!request->target_id().empty() && !(targetLog = m_parts.targets.log(request->target_id())))
            return Error{ErrorCode::NotFound,
                         "gantryd has no log of target " + request->target_id() + ": it keeps those of targets it launched",
                         {}};
        const LogRing& ring = targetLog ? *targetLog : m_parts.daemonLog;
        std::uint64_t sequence = ring.tail(request->last_lines());
        bool open = true;
        while (open && goesOn(*context))
            for (const proto::LogLine& line : ring.follow(sequence, kStreamPoll))
                open = open && writer->Write(proto::toWire(line));
        return {};
    });
}

grpc::Status NodeService::SampleClock(grpc::ServerContext* context, const v1::ClockPing* request, v1::ClockPong* reply)
{
    const std::int64_t received = monotonicNow();
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        reply->set_sequence(request->sequence());
        reply->set_receive_mono_ns(received);
        reply->set_send_utc_ns(utcOfNode());
        reply->set_send_mono_ns(monotonicNow());
        return {};
    });
}

} // namespace gantry::node
