#include "app/remote/node_client.h"

#include "app/remote/exec_link.h"
#include "app/remote/node_address.h"
#include "app/remote/node_channel.h"
#include "app/remote/ssh_link.h"
#include "remote_server/proto/convert.h"
#include "remote_server/proto/convert_live.h"
#include "remote_server/proto/convert_management.h"
#include "remote_server/proto/file_chunks.h"
#include "remote_server/proto/protocol_version.h"
#include "trace_model/base/silence_watch.h"

#include "gantry/v1/node.grpc.pb.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <fmt/format.h>
#include <grpcpp/security/credentials.h>
#include <limits>
#include <mutex>
#include <unistd.h>
#include <utility>

namespace gantry::app {

namespace {

using Clock = std::chrono::system_clock; // gRPC deadlines are wall-clock times

constexpr std::chrono::seconds kCallTimeout{10};
constexpr std::chrono::seconds kConnectTimeout{5};
/// It may have to log in somewhere, and gantryd to start there and to find its GPUs.
constexpr std::chrono::seconds kCommandPatience{30};
/// Lists and starts may make the daemon read files or talk to every target process.
constexpr std::chrono::seconds kSlowCallTimeout{60};
/// gantryd waits ten minutes for the server.
constexpr std::chrono::seconds kModelLoadTimeout{610};
/// StopTarget with grace 0 means 10 s (node.proto); the answer comes after that.
constexpr DurationNs kDefaultGraceNs = 10'000'000'000;
/// What gRPC 1.51 says when it cannot make a connection of the certificates it is given; why is only in its log.
constexpr std::string_view kNoTlsConnection = "empty address list";
/// Of a node that exports a report: it tells how far it is each second.
constexpr std::chrono::seconds kLongestSilence{60};
/// Between two attempts to find the node again, and for the last one.
constexpr std::chrono::milliseconds kReconnectPause{100};
constexpr std::chrono::seconds kLastAttempt{1};

NodeClient::Chunk chunkOf(const v1::ReportChunk& wire)
{
    return {wire.offset(), wire.data(), wire.total_bytes(), wire.last(), wire.sha256()};
}

std::int64_t monotonicNs()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> credentialsOf(const NodeAddress& address)
{
    if (address.transport != NodeAddress::Transport::Tls)
        return grpc::InsecureChannelCredentials();
    grpc::SslCredentialsOptions options;
    if (!address.caFile.empty()) {
        GANTRY_TRY(options.pem_root_certs, readTextFile(address.caFile, "certificate authority"));
    }
    if (!address.certificateFile.empty()) {
        GANTRY_TRY(options.pem_cert_chain, readTextFile(address.certificateFile, "client certificate"));
        GANTRY_TRY(options.pem_private_key, readTextFile(address.keyFile, "client key"));
    }
    return grpc::SslCredentials(options);
}

/// The end of gRPC's chain of reasons, which is what the system said: "failed to connect to all addresses; last error:
/// UNKNOWN: unix:/run/x.sock: No such file or directory" is about a file that is not there.
std::string causeOf(const std::string& message)
{
    const std::size_t colon = message.starts_with("failed to connect to all addresses") ? message.rfind(": ") : std::string::npos;
    return colon == std::string::npos ? message : message.substr(colon + 2);
}

/// Whether connect() is refused for want of rights, unix(7): the socket cannot be written, or a folder above it not be searched.
bool isForbidden(const NodeAddress& address)
{
    return address.transport == NodeAddress::Transport::UnixSocket && ::access(address.socketPath.c_str(), W_OK) != 0 && errno == EACCES;
}

} // namespace

struct NodeClient::Impl
{
    NodeAddress where;
    std::string address; ///< where.text()
    std::string clientName;
    std::unique_ptr<NodeLink> link;       ///< null: gRPC connects by itself
    std::unique_ptr<NodeChannel> channel; ///< of everything but reports
    std::unique_ptr<NodeChannel> bulk;    ///< null without a link
    proto::HelloInfo hello;

    /// For whole reports: a connection of its own where there is one, else that of everything else.
    [[nodiscard]] Result<NodeChannel::Use> useForBulk(const std::stop_token& stop) const
    {
        if (bulk)
            if (Result<NodeChannel::Use> use = bulk->use(stop); use || stop.stop_requested())
                return use;
        return channel->use(stop);
    }

    /// Cheap beside any call: nothing but names looked up in the channel.
    static std::unique_ptr<v1::Node::Stub> stubOf(const NodeChannel::Use& use) { return v1::Node::NewStub(use.channel); }

    void reportBroken(const NodeChannel::Use& use) const
    {
        channel->reportBroken(use);
        if (bulk)
            bulk->reportBroken(use);
    }

    static void prepare(grpc::ClientContext& context, const NodeChannel::Use& use)
    {
        context.AddMetadata(proto::kProtocolKey, std::to_string(proto::kProtocolVersion));
        if (!use.authorization.empty())
            context.AddMetadata(proto::kAuthorizationKey, use.authorization);
    }

    /// Sentences of gRPC itself ("failed to connect to all addresses") say neither who nor what to do next; the daemon's do.
    [[nodiscard]] Error toError(const grpc::Status& status, const grpc::ClientContext& context, const NodeChannel::Use& use) const
    {
        if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
            reportBroken(use);
        Error error = proto::toError(status, context);
        if (context.GetServerTrailingMetadata().count(proto::kErrorKey) > 0)
            return error;
        if (status.error_code() == grpc::StatusCode::UNAVAILABLE && isForbidden(where)) {
            error.code = ErrorCode::NotPermitted;
            error.message = fmt::format(
                "this user may not use {}: a gantryd serves only the user who started it; start your own with `gantryd`", address);
        } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE && where.transport == NodeAddress::Transport::Tls &&
                   status.error_message().starts_with(kNoTlsConnection)) {
            error.code = ErrorCode::NotPermitted;
            error.message = fmt::format("cannot use the TLS files of {}: {} must hold PEM certificates, and key the key of cert", address,
                                        where.caFile.empty() ? "the certificate authorities of this machine" : where.caFile);
        } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
            error.code = ErrorCode::Unreachable;
            error.message = fmt::format("cannot reach gantryd at {}: {}; {}", address, causeOf(status.error_message()), nextStep());
        } else if (status.error_code() == grpc::StatusCode::CANCELLED) {
            // Not by us: that is seen before. A server that shuts down cancels the calls it still has.
            error.code = ErrorCode::Unreachable;
            error.message = fmt::format("gantryd at {} ended the call, as it does when it shuts down; start it again", address);
        } else if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
            error.code = ErrorCode::Unreachable;
            error.message =
                fmt::format("gantryd at {} did not answer in time; look at its log, or whether the machine is overloaded", address);
        } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
            error.code = ErrorCode::VersionMismatch;
            error.message = fmt::format("what answers at {} is no gantryd, or an older one; upgrade it to {}", address, GANTRY_VERSION);
        }
        return error;
    }

    [[nodiscard]] std::string nextStep() const
    {
        if (where.transport == NodeAddress::Transport::UnixSocket)
            return fmt::format("is it running? start it with `gantryd --socket {}`", where.socketPath);
        if (link)
            return link->nextStep();
        return fmt::format("is it running? start it on {} with `gantryd --listen {}`", where.host, where.channelTarget());
    }

    /// One call with one answer. `method` is a pointer to a member of the stub.
    template <typename Method, typename Request, typename Reply>
    [[nodiscard]] Result<void> call(Method method, const Request& request, Reply& reply, const std::stop_token& stop,
                                    std::chrono::nanoseconds timeout = kCallTimeout) const
    {
        GANTRY_TRY(const NodeChannel::Use use, channel->use(stop));
        grpc::ClientContext context;
        prepare(context, use);
        context.set_deadline(Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout));
        const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
        const grpc::Status status = (stubOf(use).get()->*method)(&context, request, &reply);
        if (stop.stop_requested() && !status.ok())
            return Error{ErrorCode::Cancelled, fmt::format("the call of gantryd at {} was cancelled", address), {}};
        if (!status.ok())
            return toError(status, context, use);
        return {};
    }

    /// StopTarget or RestartTarget, which answer when the target has ended.
    template <typename Method>
    [[nodiscard]] Result<proto::Target> endTarget(Method method, const std::string& id, DurationNs graceNs,
                                                  const std::stop_token& stop) const
    {
        constexpr std::chrono::hours kLongestGrace{1}; // as the node has it
        v1::StopTargetRequest request;
        request.set_id(id);
        request.set_grace_ns(graceNs);
        v1::Target reply;
        const std::chrono::nanoseconds grace(graceNs > 0 ? graceNs : kDefaultGraceNs);
        GANTRY_CHECK(call(method, request, reply, stop, std::min<std::chrono::nanoseconds>(grace, kLongestGrace) + kCallTimeout));
        return proto::fromWire(reply);
    }

    /// Reads a stream until it ends, `onMessage` fails, or `stop` is asked for. Value: true when the node ended the stream,
    /// false when `stop` did.
    template <typename Message, typename Open, typename OnMessage>
    [[nodiscard]] Result<bool> readStream(Open open, const std::stop_token& stop, OnMessage onMessage) const
    {
        GANTRY_TRY(const NodeChannel::Use use, channel->use(stop));
        return readStreamOf<Message>(use, open, stop, onMessage);
    }
    template <typename Message, typename Open, typename OnMessage>
    [[nodiscard]] Result<bool> readStreamOf(const NodeChannel::Use& use, Open open, const std::stop_token& stop, OnMessage onMessage) const
    {
        grpc::ClientContext context;
        prepare(context, use);
        const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
        const std::unique_ptr<grpc::ClientReader<Message>> reader = open(*stubOf(use), context);
        Message message;
        while (!stop.stop_requested() && reader->Read(&message)) {
            Result<void> accepted = onMessage(message);
            if (!accepted) {
                context.TryCancel();
                while (reader->Read(&message)) {
                }
                reader->Finish(); // CANCELLED, by us: the callback's error is the one to tell
                return std::move(accepted).error();
            }
        }
        const grpc::Status status = reader->Finish();
        if (stop.stop_requested())
            return false;
        if (!status.ok())
            return toError(status, context, use);
        return true;
    }

    [[nodiscard]] Result<proto::HelloInfo> sayHello(std::chrono::milliseconds timeout, bool waitForReady, const std::stop_token& stop) const
    {
        GANTRY_TRY(const NodeChannel::Use use, channel->use(stop));
        v1::HelloRequest request;
        request.set_protocol_version(proto::kProtocolVersion);
        request.set_client_version(GANTRY_VERSION);
        request.set_client_name(clientName);
        v1::HelloReply reply;
        grpc::ClientContext context;
        prepare(context, use);
        context.set_wait_for_ready(waitForReady);
        context.set_deadline(Clock::now() + timeout);
        const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
        const grpc::Status status = stubOf(use)->Hello(&context, request, &reply);
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
        if (!status.ok())
            return toError(status, context, use);
        proto::HelloInfo info = proto::fromWire(reply);
        if (info.protocolVersion != proto::kProtocolVersion)
            return Error{ErrorCode::VersionMismatch,
                         fmt::format("gantryd {} at {} speaks protocol {}, this program ({}) speaks {}; upgrade {}", info.daemonVersion,
                                     address, info.protocolVersion, GANTRY_VERSION, proto::kProtocolVersion,
                                     info.protocolVersion < proto::kProtocolVersion ? "gantryd on the node" : "this program"),
                         {}};
        return info;
    }
};

NodeClient::NodeClient(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}

NodeClient::~NodeClient() = default;

Result<std::shared_ptr<NodeClient>> NodeClient::connect(const std::string& address, const std::string& clientName,
                                                        std::optional<std::chrono::milliseconds> timeout, std::stop_token stop)
{
    return connect(address, ConnectOptions{clientName, timeout, nullptr, nullptr}, std::move(stop));
}

Result<std::shared_ptr<NodeClient>> NodeClient::connect(const std::string& address, ConnectOptions options, std::stop_token stop)
{
    auto impl = std::make_unique<Impl>();
    GANTRY_TRY(impl->where, NodeAddress::parse(address));
    impl->address = impl->where.text();
    impl->clientName = options.clientName;
    if (impl->where.transport == NodeAddress::Transport::Ssh) {
        GANTRY_TRY(impl->link, SshLink::create(impl->where, options.clientName, options.prompter, options.onStep));
        impl->channel = std::make_unique<NodeChannel>(*impl->link, NodeLink::Purpose::Control);
        impl->bulk = std::make_unique<NodeChannel>(*impl->link, NodeLink::Purpose::Bulk);
    } else if (impl->where.transport == NodeAddress::Transport::Command) {
        impl->link = std::make_unique<ExecLink>(impl->where.command, options.timeout.value_or(kCommandPatience));
        impl->channel = std::make_unique<NodeChannel>(*impl->link, NodeLink::Purpose::Control);
    } else {
        std::string token;
        if (!impl->where.tokenFile.empty()) {
            GANTRY_TRY(token, readToken(impl->where.tokenFile));
        }
        GANTRY_TRY(const std::shared_ptr<grpc::ChannelCredentials> credentials, credentialsOf(impl->where));
        impl->channel = std::make_unique<NodeChannel>(impl->where, credentials, token);
    }
    GANTRY_TRY(impl->hello, impl->sayHello(options.timeout.value_or(kConnectTimeout), false, stop));
    if (options.onStep)
        options.onStep(ConnectStep::Ready, fmt::format("gantryd {} on {}", impl->hello.daemonVersion, impl->hello.hostName));
    return std::shared_ptr<NodeClient>(new NodeClient(std::move(impl)));
}

const proto::HelloInfo& NodeClient::hello() const
{
    return m_impl->hello;
}

const std::string& NodeClient::address() const
{
    return m_impl->address;
}

Result<void> NodeClient::reconnect(std::chrono::milliseconds timeout, std::stop_token stop)
{
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        Result<proto::HelloInfo> answer = m_impl->sayHello(std::max(left, std::chrono::milliseconds(1)), true, stop);
        if (answer)
            return {};
        // A daemon that is just going down answers UNAVAILABLE at once, in spite of wait_for_ready.
        if (answer.error().code != ErrorCode::Unreachable)
            return std::move(answer).error();
        if (std::chrono::steady_clock::now() >= deadline) {
            // While it waits, gRPC knows only that the time is over; asked without waiting it says why there is no connection.
            answer = m_impl->sayHello(kLastAttempt, false, stop);
            return answer ? Result<void>() : Result<void>(std::move(answer).error());
        }
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any().wait_for(lock, stop, kReconnectPause, [] { return false; });
    }
}

Result<proto::NodeInfo> NodeClient::nodeInfo(std::stop_token stop)
{
    v1::NodeInfo reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::GetNodeInfo, v1::GetNodeInfoRequest{}, reply, stop));
    return proto::fromWire(reply);
}

Result<proto::ReadinessReport> NodeClient::readiness(std::stop_token stop)
{
    v1::ReadinessReport reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::CheckReadiness, v1::CheckReadinessRequest{}, reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<proto::ProcessList> NodeClient::processes(std::stop_token stop)
{
    v1::ListProcessesReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListProcesses, v1::ListProcessesRequest{}, reply, stop));
    return proto::fromWire(reply);
}

Result<std::vector<proto::Target>> NodeClient::targets(std::stop_token stop)
{
    v1::ListTargetsReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListTargets, v1::ListTargetsRequest{}, reply, stop));
    std::vector<proto::Target> targets;
    for (const v1::Target& target : reply.targets())
        targets.push_back(proto::fromWire(target));
    return targets;
}

Result<std::vector<proto::TargetProfileInfo>> NodeClient::targetProfiles(std::stop_token stop)
{
    v1::ListTargetProfilesReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListTargetProfiles, v1::ListTargetProfilesRequest{}, reply, stop));
    std::vector<proto::TargetProfileInfo> profiles;
    for (const v1::TargetProfile& profile : reply.profiles())
        profiles.push_back(proto::fromWire(profile));
    return profiles;
}

Result<proto::Target> NodeClient::launch(const proto::LaunchRequest& request, std::stop_token stop)
{
    v1::Target reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::LaunchTarget, proto::toWire(request), reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<proto::Target> NodeClient::stopTarget(const std::string& id, DurationNs graceNs, std::stop_token stop)
{
    return m_impl->endTarget(&v1::Node::Stub::StopTarget, id, graceNs, stop);
}

Result<proto::Target> NodeClient::restartTarget(const std::string& id, DurationNs graceNs, std::stop_token stop)
{
    return m_impl->endTarget(&v1::Node::Stub::RestartTarget, id, graceNs, stop);
}

Result<std::vector<proto::ModelInfo>> NodeClient::models(const std::string& targetId, std::stop_token stop)
{
    v1::ListModelsRequest request;
    request.set_target_id(targetId);
    v1::ListModelsReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListModels, request, reply, stop));
    std::vector<proto::ModelInfo> models;
    for (const v1::ModelInfo& model : reply.models())
        models.push_back(proto::fromWire(model));
    return models;
}

Result<proto::ModelConfigText> NodeClient::modelConfig(const std::string& targetId, const std::string& model, const std::string& version,
                                                       std::stop_token stop)
{
    v1::GetModelConfigRequest request;
    request.set_target_id(targetId);
    request.set_model(model);
    request.set_version(version);
    v1::ModelConfigText reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::GetModelConfig, request, reply, stop));
    return proto::fromWire(reply);
}

Result<std::vector<proto::ConfigProblem>> NodeClient::checkModelConfig(const std::string& text, std::stop_token stop)
{
    v1::CheckModelConfigRequest request;
    request.set_text(proto::validUtf8(text));
    v1::CheckModelConfigReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::CheckModelConfig, request, reply, stop));
    std::vector<proto::ConfigProblem> problems;
    for (const v1::ConfigProblem& problem : reply.problems())
        problems.push_back(proto::fromWire(problem));
    return problems;
}

Result<void> NodeClient::loadModel(const std::string& targetId, const std::string& model, const std::string& configText,
                                   std::stop_token stop)
{
    v1::LoadModelRequest request;
    request.set_target_id(targetId);
    request.set_model(model);
    request.set_config_text(proto::validUtf8(configText));
    v1::LoadModelReply reply;
    return m_impl->call(&v1::Node::Stub::LoadModel, request, reply, stop, kModelLoadTimeout);
}

Result<void> NodeClient::unloadModel(const std::string& targetId, const std::string& model, std::stop_token stop)
{
    v1::UnloadModelRequest request;
    request.set_target_id(targetId);
    request.set_model(model);
    v1::UnloadModelReply reply;
    return m_impl->call(&v1::Node::Stub::UnloadModel, request, reply, stop, kModelLoadTimeout);
}

Result<proto::CaptureStatus> NodeClient::startCapture(const proto::CaptureRequest& request, std::stop_token stop)
{
    v1::CaptureStatus reply;
    proto::CaptureRequest named = request;
    if (named.clientName.empty())
        named.clientName = m_impl->clientName;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::StartCapture, proto::toWire(named), reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<proto::CaptureStatus> NodeClient::stopCapture(const std::string& captureId, std::stop_token stop)
{
    v1::StopCaptureRequest request;
    request.set_capture_id(captureId);
    v1::CaptureStatus reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::StopCapture, request, reply, stop));
    return proto::fromWire(reply);
}

Result<proto::CaptureStatus> NodeClient::saveCapture(const std::string& captureId, DurationNs lastNs, const std::string& label,
                                                     std::stop_token stop)
{
    v1::SaveCaptureRequest request;
    request.set_capture_id(captureId);
    request.set_last_ns(lastNs);
    request.set_label(label);
    v1::CaptureStatus reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::SaveCapture, request, reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<std::vector<proto::CaptureStatus>> NodeClient::captures(std::stop_token stop)
{
    v1::ListCapturesReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListCaptures, v1::ListCapturesRequest{}, reply, stop));
    std::vector<proto::CaptureStatus> captures;
    for (const v1::CaptureStatus& status : reply.captures())
        captures.push_back(proto::fromWire(status));
    return captures;
}

Result<proto::CaptureStatus> NodeClient::watchCapture(const std::string& captureId,
                                                      const std::function<void(const proto::CaptureStatus&)>& onStatus,
                                                      std::stop_token stop, WatchUntil until)
{
    v1::WatchCaptureRequest request;
    request.set_capture_id(captureId);
    request.set_until_cost(until == WatchUntil::Cost);
    proto::CaptureStatus last;
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) { return stub.WatchCapture(&context, request); };
    GANTRY_TRY(const bool nodeEnded,
               m_impl->readStream<v1::CaptureStatus>(open, stop, [&](const v1::CaptureStatus& message) -> Result<void> {
                   last = proto::fromWire(message);
                   if (onStatus)
                       onStatus(last);
                   return {};
               }));
    if (!nodeEnded)
        return Error{ErrorCode::Cancelled, "watching the capture was cancelled; the window itself goes on", {}};
    if (!last.isFinished())
        return Error{
            ErrorCode::Unreachable, fmt::format("gantryd at {} ended the stream before the capture was done", m_impl->address), {}};
    return last;
}

Result<std::vector<proto::ReportInfo>> NodeClient::reports(std::stop_token stop)
{
    GANTRY_TRY(proto::ReportShelf shelf, reportShelf(std::move(stop)));
    return std::move(shelf.reports);
}

Result<proto::ReportShelf> NodeClient::reportShelf(std::stop_token stop)
{
    v1::ListReportsReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListReports, v1::ListReportsRequest{}, reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<proto::ReportShelf> NodeClient::setReportPolicy(const proto::ReportPolicy& policy, std::stop_token stop)
{
    v1::ListReportsReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::SetReportPolicy, proto::toWire(policy), reply, stop, kSlowCallTimeout));
    return proto::fromWire(reply);
}

Result<proto::ReportInfo> NodeClient::keepReport(const std::string& name, bool keep, std::stop_token stop)
{
    v1::KeepReportRequest request;
    request.set_name(name);
    request.set_keep(keep);
    v1::ReportInfo reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::KeepReport, request, reply, stop));
    return proto::fromWire(reply);
}

Result<void> NodeClient::deleteReport(const std::string& name, std::stop_token stop)
{
    v1::DeleteReportRequest request;
    request.set_name(name);
    v1::DeleteReportReply reply;
    return m_impl->call(&v1::Node::Stub::DeleteReport, request, reply, stop);
}

Result<void> NodeClient::fetch(const std::string& reportName, std::uint64_t offset, const std::string& expectedSha256,
                               const std::function<Result<void>(const Chunk&)>& onChunk, std::stop_token stop)
{
    v1::FetchReportRequest request;
    request.set_name(reportName);
    request.set_offset(offset);
    request.set_expected_sha256(expectedSha256);
    proto::ChunkCheck check(reportName, offset, proto::Digest::None); // the digest is of what an earlier call fetched, too
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) { return stub.FetchReport(&context, request); };
    const auto onMessage = [&](const v1::ReportChunk& message) -> Result<void> {
        GANTRY_CHECK(check.accept(message));
        return onChunk(chunkOf(message));
    };
    GANTRY_TRY(const NodeChannel::Use use, m_impl->useForBulk(stop));
    GANTRY_TRY(const bool nodeEnded, m_impl->readStreamOf<v1::ReportChunk>(use, open, stop, onMessage));
    if (!nodeEnded)
        return Error{ErrorCode::Cancelled,
                     fmt::format("the fetch of {} was cancelled; what arrived is kept and the next fetch goes on from there", reportName),
                     {}};
    if (!check.isComplete())
        return Error{ErrorCode::Truncated,
                     fmt::format("the node ended the stream of {} at byte {}, before its end", reportName, check.offset()),
                     {}};
    return {};
}

Result<void> NodeClient::exportNsysReport(const std::filesystem::path& report, std::uint64_t bytes, const ExportWatch& watch,
                                          std::stop_token stop)
{
    const std::string name = report.filename().string();
    GANTRY_TRY(const NodeChannel::Use use, m_impl->useForBulk(stop));
    grpc::ClientContext context;
    Impl::prepare(context, use);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    SilenceWatch silence(kLongestSilence, [&context] { context.TryCancel(); });
    const auto stream = Impl::stubOf(use)->ExportNsysReport(&context);

    // What fails here, and not on the node or on the way. A write that is not taken is told by the status.
    const auto send = [&]() -> Result<void> {
        v1::NsysExportRequest request;
        *request.mutable_begin() = proto::toWire(proto::NsysExport{name, bytes, m_impl->clientName});
        bool isTaken = stream->Write(request);
        proto::FileChunks chunks(report, 0, bytes, proto::Digest::Sha256);
        while (isTaken && !chunks.isAtEnd()) {
            GANTRY_TRY(*request.mutable_chunk(), chunks.next());
            isTaken = stream->Write(request);
            silence.heard();
            if (isTaken && watch.onSent)
                watch.onSent(chunks.offset());
        }
        stream->WritesDone();
        return {};
    };
    proto::ChunkCheck check("the export of " + name, 0, proto::Digest::Sha256);
    const auto receive = [&]() -> Result<void> {
        for (v1::NsysExportReply reply; stream->Read(&reply);) {
            silence.heard();
            if (reply.has_progress() && watch.onProgress)
                watch.onProgress(std::fmin(std::fmax(reply.progress().fraction_ratio(), 0.0), 1.0)); // NaN is 0
            if (!reply.has_chunk())
                continue;
            GANTRY_CHECK(check.accept(reply.chunk()));
            GANTRY_CHECK(watch.onChunk(chunkOf(reply.chunk())));
        }
        return {};
    };
    Result<void> here = send();
    if (here)
        here = receive();
    if (!here) {
        context.TryCancel();
        for (v1::NsysExportReply reply; stream->Read(&reply);) {
        }
    }
    const grpc::Status status = stream->Finish();
    if (stop.stop_requested())
        return Error{ErrorCode::Cancelled, fmt::format("the export of {} was cancelled", name), {}};
    if (!here)
        return here;
    if (silence.isSilent())
        return Error{ErrorCode::Unreachable,
                     fmt::format("gantryd at {} was silent for {} s; look at its log, or whether the machine is overloaded", address(),
                                 kLongestSilence.count()),
                     {}};
    if (!status.ok())
        return m_impl->toError(status, context, use);
    if (!check.isComplete())
        return Error{
            ErrorCode::Truncated, fmt::format("the node ended the export of {} at byte {}, before its end", name, check.offset()), {}};
    return {};
}

Result<void> NodeClient::streamMetrics(std::uint32_t maxRateHz, const std::function<void(const proto::MetricsBatch&)>& onBatch,
                                       std::stop_token stop)
{
    v1::StreamMetricsRequest request;
    request.set_max_rate_hz(maxRateHz);
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) { return stub.StreamMetrics(&context, request); };
    GANTRY_TRY(const bool nodeEnded, m_impl->readStream<v1::MetricsBatch>(open, stop, [&](const v1::MetricsBatch& message) -> Result<void> {
        onBatch(proto::fromWire(message));
        return {};
    }));
    if (nodeEnded)
        return Error{
            ErrorCode::Unreachable, fmt::format("gantryd at {} ended the metrics stream; it is shutting down", m_impl->address), {}};
    return {};
}

Result<void> NodeClient::readHistory(const proto::HistoryRequest& request, const std::function<bool(proto::HistoryPart&&)>& onPart,
                                     std::stop_token stop)
{
    const v1::ReadHistoryRequest wire = proto::toWire(request);
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) { return stub.ReadHistory(&context, wire); };
    bool isEnough = false;
    const auto read = m_impl->readStream<v1::HistoryPart>(open, stop, [&](const v1::HistoryPart& message) -> Result<void> {
        isEnough = !onPart(proto::fromWire(message));
        return isEnough ? Result<void>(Error{ErrorCode::Cancelled, "enough was read", {}}) : Result<void>();
    });
    if (isEnough || (read && *read))
        return {};
    return read ? Error{ErrorCode::Cancelled, "reading the history was cancelled", {}} : read.error();
}

Result<std::vector<proto::MetricSource>> NodeClient::metricSources(std::stop_token stop)
{
    v1::ListMetricSourcesReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListMetricSources, v1::ListMetricSourcesRequest{}, reply, stop));
    std::vector<proto::MetricSource> sources;
    for (const v1::MetricSource& source : reply.sources())
        sources.push_back(proto::fromWire(source));
    return sources;
}

Result<proto::MetricSource> NodeClient::addMetricSource(const std::string& url, DurationNs periodNs, std::stop_token stop)
{
    v1::AddMetricSourceRequest request;
    request.set_url(url);
    request.set_period_ns(periodNs);
    v1::MetricSource reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::AddMetricSource, request, reply, stop));
    return proto::fromWire(reply);
}

Result<void> NodeClient::removeMetricSource(const std::string& id, std::stop_token stop)
{
    v1::RemoveMetricSourceRequest request;
    request.set_id(id);
    v1::RemoveMetricSourceReply reply;
    return m_impl->call(&v1::Node::Stub::RemoveMetricSource, request, reply, stop);
}

Result<std::vector<proto::AlertState>> NodeClient::alertRules(std::stop_token stop)
{
    v1::ListAlertRulesReply reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::ListAlertRules, v1::ListAlertRulesRequest{}, reply, stop));
    std::vector<proto::AlertState> rules;
    for (const v1::AlertState& rule : reply.rules())
        rules.push_back(proto::fromWire(rule));
    return rules;
}

Result<proto::AlertState> NodeClient::setAlertRule(const proto::AlertRule& rule, std::stop_token stop)
{
    v1::AlertState reply;
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::SetAlertRule, proto::toWire(rule), reply, stop));
    return proto::fromWire(reply);
}

Result<void> NodeClient::deleteAlertRule(const std::string& id, std::stop_token stop)
{
    v1::DeleteAlertRuleRequest request;
    request.set_id(id);
    v1::DeleteAlertRuleReply reply;
    return m_impl->call(&v1::Node::Stub::DeleteAlertRule, request, reply, stop);
}

Result<void> NodeClient::watchAlerts(const std::function<void(const proto::AlertState&)>& onState, std::stop_token stop)
{
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) {
        return stub.WatchAlerts(&context, v1::WatchAlertsRequest{});
    };
    GANTRY_TRY(const bool nodeEnded, m_impl->readStream<v1::AlertState>(open, stop, [&](const v1::AlertState& message) -> Result<void> {
        onState(proto::fromWire(message));
        return {};
    }));
    if (nodeEnded)
        return Error{ErrorCode::Unreachable, fmt::format("gantryd at {} ended the stream of alerts", m_impl->address), {}};
    return {};
}

Result<void> NodeClient::tailLog(const std::string& targetId, std::uint32_t lastLines,
                                 const std::function<void(const proto::LogLine&)>& onLine, std::stop_token stop)
{
    v1::TailLogRequest request;
    request.set_target_id(targetId);
    request.set_last_lines(lastLines);
    const auto open = [&](v1::Node::Stub& stub, grpc::ClientContext& context) { return stub.TailLog(&context, request); };
    GANTRY_TRY(const bool nodeEnded, m_impl->readStream<v1::LogLine>(open, stop, [&](const v1::LogLine& message) -> Result<void> {
        onLine(proto::fromWire(message));
        return {};
    }));
    if (nodeEnded)
        return Error{ErrorCode::Unreachable, fmt::format("gantryd at {} ended the log stream", m_impl->address), {}};
    return {};
}

Result<NodeClient::ClockReading> NodeClient::exchangeClocks(std::stop_token stop)
{
    v1::ClockPing ping;
    v1::ClockPong pong;
    ClockReading reading;
    reading.exchange.sent = monotonicNs();
    GANTRY_CHECK(m_impl->call(&v1::Node::Stub::SampleClock, ping, pong, std::move(stop)));
    reading.exchange.received = monotonicNs();
    reading.exchange.taken = pong.receive_mono_ns();
    reading.exchange.answered = pong.send_mono_ns();
    reading.nodeUtcNs = pong.send_utc_ns();
    constexpr std::int64_t kFurthest = std::int64_t{1} << 61; // what is added to it stays a number
    for (const std::int64_t told : {reading.exchange.taken, reading.exchange.answered, reading.nodeUtcNs})
        if (told < -kFurthest || told > kFurthest)
            return Error{ErrorCode::BadInput, "the node tells a time that no clock has", {}};
    return reading;
}

Result<ClockOffset> NodeClient::sampleClock(int rounds)
{
    ClockOffset best;
    best.roundTripNs = std::numeric_limits<std::int64_t>::max();
    for (int round = 0; round < std::max(rounds, 1); ++round) {
        GANTRY_TRY(const ClockReading reading, exchangeClocks());
        const auto& [sent, taken, answered, received] = reading.exchange;
        // As NTP does: the time the node held the message is no part of the way.
        const std::int64_t roundTrip = (received - sent) - (answered - taken);
        if (roundTrip >= best.roundTripNs)
            continue;
        const std::int64_t nodeMiddle = taken + (answered - taken) / 2;
        best = ClockOffset{nodeMiddle - (sent + (received - sent) / 2), (roundTrip + 1) / 2, roundTrip};
    }
    return best;
}

} // namespace gantry::app
