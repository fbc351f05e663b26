#include "tests/app/remote/fake_node.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/protocol_version.h"
#include "trace_model/base/digest.h"

#include "gantry/v1/node.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <mutex>
#include <span>
#include <thread>

namespace gantry::test {

FakeNode::Behaviour::Behaviour() : protocolVersion(proto::kProtocolVersion) {}

class FakeNode::Service : public v1::Node::Service
{
public:
    explicit Service(Behaviour behaviour) : m_behaviour(std::move(behaviour)) {}

    grpc::Status Hello(grpc::ServerContext* context, const v1::HelloRequest*, v1::HelloReply* reply) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        *reply = proto::toWire(proto::HelloInfo{m_behaviour.protocolVersion, "9.9.9", "fake", "boot"});
        return grpc::Status::OK;
    }

    grpc::Status GetNodeInfo(grpc::ServerContext* context, const v1::GetNodeInfoRequest*, v1::NodeInfo* reply) override
    {
        reply->set_host_name("fake");
        return note(*context);
    }

    grpc::Status ListTargets(grpc::ServerContext* context, const v1::ListTargetsRequest*, v1::ListTargetsReply*) override
    {
        return note(*context);
    }

    grpc::Status ListCaptures(grpc::ServerContext* context, const v1::ListCapturesRequest*, v1::ListCapturesReply*) override
    {
        return note(*context);
    }

    grpc::Status ListReports(grpc::ServerContext* context, const v1::ListReportsRequest*, v1::ListReportsReply* reply) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        proto::ReportInfo info;
        info.name = m_behaviour.reportName;
        info.sizeBytes = m_behaviour.reportData.size();
        *reply->add_reports() = proto::toWire(info);
        return grpc::Status::OK;
    }

    grpc::Status FetchReport(grpc::ServerContext* context, const v1::FetchReportRequest* request, grpc::ServerWriter<v1::ReportChunk>* writer) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        int number = 0;
        {
            const std::lock_guard lock(mutex);
            number = ++fetches;
            lastOffset = request->offset();
        }
        if (m_behaviour.onFetch)
            m_behaviour.onFetch();
        const std::string& data = m_behaviour.reportData;
        std::string digest = m_behaviour.announcedSha256;
        if (digest.empty()) {
            Sha256 hash;
            hash.update(std::as_bytes(std::span(data)));
            digest = hash.finishHex();
        }
        int sent = 0;
        for (std::uint64_t offset = request->offset(); offset < data.size(); ++sent) {
            if (number == 1 && sent == m_behaviour.cutAfterChunks)
                return {grpc::StatusCode::UNAVAILABLE, "the connection is cut"};
            v1::ReportChunk chunk;
            chunk.set_offset(offset);
            chunk.set_data(data.substr(offset, m_behaviour.chunkBytes));
            chunk.set_crc32(crc32(std::as_bytes(std::span(chunk.data()))) + (number == 1 && sent == m_behaviour.damagedChunk ? 1 : 0));
            chunk.set_total_bytes(data.size());
            offset += chunk.data().size();
            chunk.set_last(offset == data.size());
            chunk.set_sha256(digest);
            if (!writer->Write(chunk))
                break;
        }
        return grpc::Status::OK;
    }

    grpc::Status StartCapture(grpc::ServerContext* context, const v1::StartCaptureRequest* request, v1::CaptureStatus* reply) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        {
            const std::lock_guard lock(mutex);
            captureClient = request->client_name();
            start = {request->start_utc_ns(), request->session(), request->session_nodes()};
        }
        if (request->target_id() == "busy")
            return proto::toStatus(Error{ErrorCode::Busy, "bob@desk holds the window", {}}, *context);
        proto::CaptureStatus status;
        status.captureId = "c1";
        status.state = proto::CaptureState::Capturing;
        *reply = proto::toWire(status);
        return grpc::Status::OK;
    }

    grpc::Status WatchCapture(grpc::ServerContext* context, const v1::WatchCaptureRequest* request, grpc::ServerWriter<v1::CaptureStatus>* writer) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        proto::CaptureStatus status;
        status.captureId = request->capture_id();
        for (const proto::CaptureState state : {proto::CaptureState::Capturing, proto::CaptureState::Closing, proto::CaptureState::Assembling}) {
            status.state = state;
            writer->Write(proto::toWire(status));
        }
        if (request->capture_id() == "endless") {
            while (!context->IsCancelled())
                std::this_thread::yield();
            return grpc::Status::CANCELLED;
        }
        if (request->capture_id() == "cut")
            return grpc::Status::OK;
        status.state = m_behaviour.captureError.empty() ? proto::CaptureState::Done : proto::CaptureState::Failed;
        status.error = m_behaviour.captureError;
        status.reportName = m_behaviour.reportName;
        writer->Write(proto::toWire(status));
        return grpc::Status::OK;
    }

    grpc::Status ExportNsysReport(grpc::ServerContext*, grpc::ServerReaderWriter<v1::NsysExportReply, v1::NsysExportRequest>* stream) override
    {
        for (v1::NsysExportRequest request; stream->Read(&request);) {
        }
        for (const double fraction : m_behaviour.exportProgress) {
            v1::NsysExportReply reply;
            reply.mutable_progress()->set_fraction_ratio(fraction);
            stream->Write(reply);
        }
        return grpc::Status::OK;
    }

    grpc::Status StreamMetrics(grpc::ServerContext* context, const v1::StreamMetricsRequest*, grpc::ServerWriter<v1::MetricsBatch>* writer) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        if (m_behaviour.endsMetrics)
            return grpc::Status::OK;
        proto::MetricsBatch batch;
        batch.sequence = 1;
        batch.samples.push_back({7, 1000, 0.5});
        writer->Write(proto::toWire(batch));
        while (!context->IsCancelled())
            std::this_thread::yield();
        return grpc::Status::CANCELLED;
    }

    grpc::Status SampleClock(grpc::ServerContext* context, const v1::ClockPing* request, v1::ClockPong* reply) override
    {
        if (const grpc::Status refused = note(*context); !refused.ok())
            return refused;
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const std::int64_t ours = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
        reply->set_sequence(request->sequence());
        ::clock_gettime(CLOCK_REALTIME, &now);
        const std::int64_t ourUtc = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
        const std::lock_guard lock(mutex);
        const bool isSet = m_behaviour.clockSetAfter >= 0 && clockAnswers++ >= m_behaviour.clockSetAfter;
        const std::int64_t offset = m_behaviour.clockOffsetNs + (isSet ? 1'000'000'000 : 0);
        reply->set_receive_mono_ns(ours + offset);
        reply->set_send_mono_ns(ours + offset);
        reply->set_send_utc_ns(ourUtc + offset);
        return grpc::Status::OK;
    }

    Start start;
    int clockAnswers = 0;

    std::mutex mutex;
    int fetches = 0;
    std::uint64_t lastOffset = 0;
    std::string protocol, authorization, captureClient;

private:
    grpc::Status note(grpc::ServerContext& context)
    {
        const auto value = [&](const char* key) {
            const auto found = context.client_metadata().find(key);
            return found == context.client_metadata().end() ? std::string() : std::string(found->second.data(), found->second.size());
        };
        const std::lock_guard lock(mutex);
        protocol = value(proto::kProtocolKey);
        authorization = value(proto::kAuthorizationKey);
        if (!m_behaviour.requiredToken.empty() && authorization != "Bearer " + m_behaviour.requiredToken)
            return proto::toStatus(Error{ErrorCode::NotPermitted, "the token is missing or wrong", {}}, context);
        return grpc::Status::OK;
    }

    Behaviour m_behaviour;
};

struct FakeNode::Server
{
    std::unique_ptr<grpc::Server> server;
};

FakeNode::FakeNode(Behaviour behaviour) : m_service(std::make_unique<Service>(std::move(behaviour)))
{
    start();
}

FakeNode::~FakeNode()
{
    stop();
}

void FakeNode::start()
{
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
    builder.RegisterService(m_service.get());
    m_server = std::make_unique<Server>(Server{builder.BuildAndStart()});
}

void FakeNode::stop()
{
    if (m_server && m_server->server)
        m_server->server->Shutdown(std::chrono::system_clock::now());
    m_server.reset();
}

std::string FakeNode::socketPath() const
{
    return m_folder / "node.sock";
}

std::string FakeNode::address() const
{
    return "unix:" + socketPath();
}

int FakeNode::fetches() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->fetches;
}

std::uint64_t FakeNode::lastFetchOffset() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->lastOffset;
}

std::string FakeNode::lastProtocol() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->protocol;
}

std::string FakeNode::lastAuthorization() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->authorization;
}

std::string FakeNode::lastCaptureClient() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->captureClient;
}

FakeNode::Start FakeNode::lastStart() const
{
    const std::lock_guard lock(m_service->mutex);
    return m_service->start;
}

} // namespace gantry::test
