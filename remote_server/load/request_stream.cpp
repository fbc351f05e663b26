#include "remote_server/load/request_stream.h"

#include "inference/grpc_service.grpc.pb.h"

#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <utility>

namespace gantry::load {
namespace {

constexpr char kMethod[] = "/inference.GRPCInferenceService/ModelStreamInfer";
constexpr char kFinal[] = "triton_final_response"; // Triton, "Decoupled backends and models"
constexpr std::chrono::seconds kSilence{30};

std::int64_t nowNs()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Error silence()
{
    return {ErrorCode::Truncated, fmt::format("no response came for {} s", kSilence.count()), {}};
}

/// What one response says of the request it is for.
struct Heard
{
    bool isFinal = false;
    bool isEmpty = false;
};

Result<Heard> hear(grpc::ByteBuffer& buffer, const std::string& id)
{
    inference::ModelStreamInferResponse response;
    const grpc::Status parsed = grpc::SerializationTraits<inference::ModelStreamInferResponse>::Deserialize(&buffer, &response);
    if (!parsed.ok())
        return Error{ErrorCode::Internal, "a response is not one of the protocol: " + parsed.error_message(), {}};
    const inference::ModelInferResponse& infer = response.infer_response();
    if (!response.error_message().empty()) // with an id or, from older servers, without
        return Error{ErrorCode::Internal, response.error_message(), {}};
    if (infer.id() != id)
        return Error{ErrorCode::Internal, "a response came with the id of another request", {}};
    const auto final = infer.parameters().find(kFinal);
    if (final == infer.parameters().end())
        return Error{
            ErrorCode::Unsupported,
            fmt::format("the server does not say which response is the last (its responses have no {}): it may be too old", kFinal),
            {}};
    return Heard{final->second.bool_param(), infer.outputs().empty()};
}

} // namespace

struct RequestStream::Call
{
    explicit Call(const std::stop_token& stop) : cancel(stop, [this] { context.TryCancel(); }) {}

    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
    std::stop_callback<std::function<void()>> cancel; ///< a server that hangs must not hold up the end
};

RequestStream::RequestStream(std::shared_ptr<grpc::Channel> channel, std::stop_token stop)
    : m_channel(std::move(channel)), m_stop(std::move(stop))
{
}

RequestStream::~RequestStream()
{
    close();
}

Result<void> RequestStream::ask(const std::string& id, const grpc::ByteBuffer& wire, RequestSteps& steps)
{
    steps.isStream = true;
    const auto answered = m_call || open() ? writeAndRead(id, wire, steps) : Result<void>(silence());
    if (answered)
        return {};
    close();
    steps.answered = steps.done = nowNs();
    if (m_stop.stop_requested())
        return Error{ErrorCode::Cancelled, "stopped", {}};
    return answered;
}

bool RequestStream::open()
{
    m_call = std::make_unique<Call>(m_stop);
    grpc::GenericStub stub(m_channel);
    m_call->stream = stub.PrepareCall(&m_call->context, kMethod, &m_queue);
    m_call->stream->StartCall(this);
    return wait() != Step::Silent;
}

Result<void> RequestStream::writeAndRead(const std::string& id, const grpc::ByteBuffer& wire, RequestSteps& steps)
{
    m_call->stream->Write(wire, this);
    if (wait() == Step::Silent)
        return silence();
    // Where the stream had ended before the request left, reading says why.
    for (bool hasAnswered = false;; hasAnswered = true) {
        grpc::ByteBuffer buffer;
        m_call->stream->Read(&buffer, this);
        if (const Step step = wait(); step != Step::Done)
            return step == Step::Silent ? silence() : end(hasAnswered);
        const std::int64_t came = nowNs();
        GANTRY_TRY(const Heard heard, hear(buffer, id));
        if (!heard.isEmpty)
            steps.responses.push_back(came);
        if (!heard.isFinal)
            continue;
        steps.answered = came;
        steps.done = nowNs();
        return {};
    }
}

RequestStream::Step RequestStream::wait()
{
    void* tag = nullptr;
    bool isOk = false;
    const auto deadline = std::chrono::system_clock::now() + kSilence;
    if (m_queue.AsyncNext(&tag, &isOk, deadline) == grpc::CompletionQueue::GOT_EVENT)
        return isOk ? Step::Done : Step::Ended;
    m_call->context.TryCancel();
    m_queue.Next(&tag, &isOk); // at once now; the buffers of the operation may go only then
    return Step::Silent;
}

Error RequestStream::end(bool hasAnswered)
{
    const grpc::Status status = finish();
    std::string reason = status.error_message();
    if (reason.empty() && !status.ok())
        reason = fmt::format("gRPC status {}", static_cast<int>(status.error_code()));
    if (hasAnswered || reason.empty())
        reason = fmt::format("the stream ended before the last response{}{}", reason.empty() ? "" : ": ", reason);
    return {ErrorCode::Truncated, std::move(reason), {}};
}

void RequestStream::close()
{
    if (!m_call)
        return;
    m_call->context.TryCancel();
    static_cast<void>(finish());
}

grpc::Status RequestStream::finish()
{
    grpc::Status status;
    m_call->stream->Finish(&status, this);
    static_cast<void>(wait());
    m_call.reset();
    return status;
}

} // namespace gantry::load
