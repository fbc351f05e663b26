#pragma once

#include "remote_server/load/load_tally.h"
#include "trace_model/base/result.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/status.h>
#include <memory>
#include <stop_token>
#include <string>

namespace grpc {
class ByteBuffer;
class Channel;
} // namespace grpc

namespace gantry::load {

/// A ModelStreamInfer for the requests to decoupled models of one worker, one request after the other, as Triton's client keeps one. It is
/// opened with the first request, and anew after one that failed: nothing that still comes for that one can be taken for the next one's.
/// For one thread; a stop from any thread.
class RequestStream
{
public:
    RequestStream(std::shared_ptr<grpc::Channel> channel, std::stop_token stop);
    RequestStream(const RequestStream&) = delete;
    RequestStream& operator=(const RequestStream&) = delete;
    ~RequestStream(); ///< cancels what is still on its way

    /// Sends a request in its wire form, whose id is `id` and which asks for an empty last response, and waits for its last response. Fills
    /// the times of the answer in `steps`.
    /// Errors: Cancelled after a stop; Internal with what the server said; Truncated where the stream ended before the last response or
    /// nothing came for 30 s; Unsupported where the server does not say which response is the last.
    [[nodiscard]] Result<void> ask(const std::string& id, const grpc::ByteBuffer& wire, RequestSteps& steps);

private:
    struct Call;
    enum class Step
    {
        Done,
        Ended, ///< the stream is over
        Silent ///< nothing came, and the stream is cancelled
    };

    [[nodiscard]] bool open(); ///< false: nothing came of it
    [[nodiscard]] Result<void> writeAndRead(const std::string& id, const grpc::ByteBuffer& wire, RequestSteps& steps);
    /// Waits for the one operation that is under way.
    [[nodiscard]] Step wait();
    /// Closes a stream that gives nothing any more. Why that is.
    [[nodiscard]] Error end(bool hasAnswered);
    void close();
    grpc::Status finish();

    std::shared_ptr<grpc::Channel> m_channel;
    std::stop_token m_stop;
    grpc::CompletionQueue m_queue;
    std::unique_ptr<Call> m_call; ///< null: closed
};

} // namespace gantry::load
