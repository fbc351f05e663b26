#include "remote_server/inference/grpc_infer.h"

#include "remote_server/inference/grpc_codec.h"
#include "remote_server/inference/infer_codec.h"
#include "remote_server/inference/protocol_status.h"

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {
namespace {

std::int64_t nowNs()
{
    return std::chrono::steady_clock::now().time_since_epoch().count(); // CLOCK_MONOTONIC, as the times of requests
}

/// What a library throws (out of memory, say) fails the one request.
template <typename Make>
auto withoutExceptions(const Make& make) -> decltype(make())
{
    try {
        return make();
    } catch (const std::exception& error) {
        return Error{ErrorCode::Internal, std::string("the server failed with this request: ") + error.what(), {}};
    }
}

enum class Answers
{
    One,
    Several
};

/// A call that takes one answer is not for a decoupled model.
Result<InferCall> callOf(ProtocolCalls& calls, const inference::ModelInferRequest& wire, Answers answers)
{
    return prepareCall(
        calls, {wire.model_name(), wire.model_version(), wire.id()}, [&](const ModelDescription& model) -> Result<InferRequest> {
            if (answers == Answers::One && model.config.model_transaction_policy().decoupled())
                return Error{ErrorCode::Unsupported, "ModelInfer RPC doesn't support models with decoupled transaction policy", {}};
            return requestFromProto(wire);
        });
}

/// Puts outputs of the call's model into a response.
Result<void> fillResponse(const InferCall& call, std::vector<Tensor> outputs, const SharedMemory& memory,
                          inference::ModelInferResponse& response)
{
    return withoutExceptions([&]() -> Result<void> {
        if (call.trace)
            call.trace->addTensors("TENSOR_BACKEND_OUTPUT", outputs);
        GANTRY_TRY(InferAnswer answer, answerOf(call.request, call.model->description(), std::move(outputs), memory));
        answerToProto(std::move(answer), response);
        return {};
    });
}

constexpr std::size_t kBookkeeping = 512; // of a response in memory, beside its bytes on the wire, about
const Error kUnread{ErrorCode::Cancelled, "the request was cancelled: its responses were made faster than the client read them", {}};

bool isDecoupled(const InferCall& call)
{
    return call.model->description().config.model_transaction_policy().decoupled();
}

/// gRPC calls the reactions below only after begin().
class UnaryInfer : public grpc::ServerUnaryReactor
{
public:
    void begin(ProtocolCalls& calls, const inference::ModelInferRequest& wire, inference::ModelInferResponse& reply)
    {
        auto made = callOf(calls, wire, Answers::One);
        if (!made)
            return Finish(grpcStatusOf(made.error()));
        std::unique_ptr<InferJob> job = std::move(made->job);
        m_call = std::move(*made);
        job->done = [this, &reply, &calls](InferJob& finished, const Result<void>& result) {
            recordEnd(calls, finished, result, m_call->trace.get());
            const Result<void> filled = result ? fillResponse(*m_call, std::move(finished.outputs), calls.sharedMemory(), reply) : result;
            if (m_call->trace)
                m_call->trace->stamp("GRPC_SEND_START");
            Finish(filled ? grpc::Status::OK : grpcStatusOf(filled.error())); // this may be gone now
        };
        m_call->model->enqueue(std::move(job));
    }

    void OnCancel() override
    {
        if (m_call)
            m_call->cancel();
    }

    void OnDone() override
    {
        if (m_call && m_call->trace)
            m_call->trace->stamp("GRPC_SEND_END");
        delete this;
    }

private:
    std::optional<InferCall> m_call; ///< made before gRPC knows this reactor, and not changed then
};

/// One stream of requests; writes go out one after the other. With kMostUnanswered requests on their way the next one is not read, so
/// that a client which does not take its answers is slowed down by flow control. A decoupled model is not slowed down, which other clients
/// wait for too: a request with more responses than the client takes is cancelled.
/// It owns itself until gRPC is done with it.
class StreamInfer : public grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>, public OpenStream
{
public:
    static StreamInfer* begin(ProtocolCalls& calls)
    {
        const std::shared_ptr<StreamInfer> stream(new StreamInfer(calls));
        stream->m_self = stream;
        stream->startRead();
        calls.remember(stream);
        return stream.get();
    }

    void endWithServer() override
    {
        bool isLast = false;
        {
            const std::lock_guard lock(m_mutex);
            m_isEnding = true;
            isLast = isDone();
        }
        if (isLast)
            finish();
    }

    void OnReadDone(bool ok) override
    {
        if (!ok) {
            const std::lock_guard lock(m_mutex);
            m_readingDone = true;
            if (isDone())
                finish();
            return;
        }
        {
            const std::lock_guard lock(m_mutex);
            if (m_finished)
                return; // the client hears that the server ends
        }
        infer(nowNs());
        const std::lock_guard lock(m_mutex);
        m_isReading = false;
        readNext();
        if (isDone())
            finish();
    }

    void OnWriteDone(bool) override
    {
        const std::lock_guard lock(m_mutex);
        if (m_outgoing.front().trace)
            m_outgoing.front().trace->stamp("GRPC_SEND_END");
        m_outgoingBytes -= m_outgoing.front().bytes;
        m_outgoing.pop_front();
        m_writing = false;
        writeNext();
        readNext();
        if (isDone())
            finish();
    }

    void OnCancel() override
    {
        std::set<std::shared_ptr<InferCall>> calls;
        {
            const std::lock_guard lock(m_mutex);
            m_isCancelled = true;
            calls = m_inFlight;
        }
        for (const auto& call : calls)
            call->cancel();
    }

    void OnDone() override
    {
        const std::shared_ptr<StreamInfer> self = std::move(m_self);
        m_calls.forget(self);
    }

private:
    explicit StreamInfer(ProtocolCalls& calls) : m_calls(calls) {}

    using Response = inference::ModelStreamInferResponse;
    struct Outgoing
    {
        std::unique_ptr<Response> response;
        std::shared_ptr<RequestTrace> trace;
        std::size_t bytes;
    };
    // Each may hold an answer in memory; and one stream alone fills batches only up to this size.
    static constexpr std::size_t kMostUnanswered = 256;
    // Of answers that wait to be sent: some seconds of tokens, and some large tensors.
    static constexpr std::size_t kMostWaitingBytes = 64 << 20;

    void startRead()
    {
        m_readStart = nowNs();
        StartRead(&m_request);
    }

    void readNext()
    {
        if (m_isReading || m_readingDone || m_isEnding || m_inFlight.size() + m_outgoing.size() >= kMostUnanswered ||
            m_outgoingBytes >= kMostWaitingBytes)
            return;
        m_isReading = true;
        startRead();
    }

    void infer(std::int64_t readEnd)
    {
        auto made = callOf(m_calls, m_request, Answers::Several);
        if (!made) {
            const std::lock_guard lock(m_mutex);
            return send(errorResponse(m_request.id(), made.error()), nullptr);
        }
        const auto call = std::make_shared<InferCall>(std::move(*made));
        if (call->trace) {
            call->trace->stamp("GRPC_WAITREAD_START", m_readStart);
            call->trace->stamp("GRPC_WAITREAD_END", readEnd);
        }
        {
            const std::lock_guard lock(m_mutex);
            m_inFlight.insert(call);
            call->cancelled->store(m_isCancelled, std::memory_order_relaxed);
        }
        std::unique_ptr<InferJob> job = std::move(call->job);
        if (isDecoupled(*call))
            job->respond = [this, call](InferJob&, std::vector<Tensor> outputs, bool isFinal) {
                respond(*call, std::move(outputs), isFinal);
            };
        job->done = [this, call](InferJob& finished, const Result<void>& result) { end(call, finished, result); };
        call->model->enqueue(std::move(job));
    }

    /// A response of a decoupled model. An empty last one is for those who ask for it.
    void respond(const InferCall& call, std::vector<Tensor> outputs, bool isFinal)
    {
        if (outputs.empty() && !(isFinal && call.request.wantsEmptyFinal()))
            return;
        const std::lock_guard lock(m_mutex);
        if (m_unread.contains(&call))
            return;
        if (m_outgoingBytes < kMostWaitingBytes)
            return send(response(call, std::move(outputs), isFinal), call.trace);
        m_unread.insert(&call);
        call.cancelled->store(true, std::memory_order_relaxed); // no cancel(): it is not queued
        spdlog::warn("request '{}' of model {} is cancelled: its client does not read the responses", call.request.id,
                     call.model->description().name);
    }

    void end(const std::shared_ptr<InferCall>& call, InferJob& finished, const Result<void>& result)
    {
        recordEnd(m_calls, finished, result, call->trace.get());
        std::unique_ptr<Response> last;
        if (!result)
            last = errorResponse(call->request.id, result.error());
        else if (!isDecoupled(*call))
            last = response(*call, std::move(finished.outputs), true);
        bool isLast = false;
        {
            const std::lock_guard lock(m_mutex);
            m_inFlight.erase(call);
            if (m_unread.erase(call.get()) > 0)
                last = errorResponse(call->request.id, kUnread);
            if (last)
                return send(std::move(last), call->trace);
            readNext();
            isLast = isDone();
        }
        if (isLast) // unlocked: once this is said another thread may delete this
            finish();
    }

    std::unique_ptr<Response> response(const InferCall& call, std::vector<Tensor> outputs, bool isFinal)
    {
        auto response = std::make_unique<Response>();
        if (const auto filled = fillResponse(call, std::move(outputs), m_calls.sharedMemory(), *response->mutable_infer_response());
            !filled)
            return errorResponse(call.request.id, filled.error());
        markFinal(*response->mutable_infer_response(), isFinal);
        return response;
    }

    /// With the request's id, as Triton does: answers come in any order, and the client must know which one this is.
    static std::unique_ptr<Response> errorResponse(const std::string& id, const Error& error)
    {
        auto response = std::make_unique<Response>();
        response->mutable_infer_response()->set_id(id);
        response->set_error_message(error.text());
        return response;
    }

    // The rest under m_mutex.

    void send(std::unique_ptr<Response> response, std::shared_ptr<RequestTrace> trace)
    {
        const std::size_t bytes = kBookkeeping + response->ByteSizeLong();
        m_outgoingBytes += bytes;
        m_outgoing.push_back({std::move(response), std::move(trace), bytes});
        writeNext();
    }

    void writeNext()
    {
        if (m_writing || m_outgoing.empty())
            return;
        m_writing = true;
        if (m_outgoing.front().trace)
            m_outgoing.front().trace->stamp("GRPC_SEND_START");
        StartWrite(m_outgoing.front().response.get());
    }

    /// Says once that the stream is to be finished.
    bool isDone()
    {
        if (!(m_readingDone || m_isEnding) || m_finished || !m_inFlight.empty() || m_writing || !m_outgoing.empty())
            return false;
        m_finished = true;
        if (!m_readingDone)
            m_last = {grpc::StatusCode::UNAVAILABLE, "the server is shutting down"};
        return true;
    }

    /// After isDone() has said so, also without m_mutex.
    void finish() { Finish(m_last); }

    ProtocolCalls& m_calls;
    std::shared_ptr<StreamInfer> m_self;
    inference::ModelInferRequest m_request; ///< the one being read
    std::int64_t m_readStart = 0;           ///< ns of CLOCK_MONOTONIC
    std::mutex m_mutex;                     ///< everything below
    std::deque<Outgoing> m_outgoing;
    grpc::Status m_last;
    std::size_t m_outgoingBytes = 0;
    std::set<const InferCall*> m_unread; ///< in flight, and cancelled because their responses are not read
    std::set<std::shared_ptr<InferCall>> m_inFlight;
    bool m_isReading = true, m_writing = false, m_readingDone = false, m_finished = false, m_isCancelled = false, m_isEnding = false;
};

} // namespace

grpc::ServerUnaryReactor* inferOnce(ProtocolCalls& calls, const inference::ModelInferRequest& request, inference::ModelInferResponse& reply)
{
    auto* reactor = new UnaryInfer;
    reactor->begin(calls, request, reply);
    return reactor;
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* inferStream(ProtocolCalls& calls)
{
    return StreamInfer::begin(calls);
}

} // namespace gantry::inference_server
