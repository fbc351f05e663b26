#pragma once

#include "remote_server/inference/model.h"
#include "remote_server/inference/response_cache.h"
#include "remote_server/inference/statistics.h"
#include "trace_model/base/result.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// Where a request belongs that is one of several about the same thing.
struct SequencePlace
{
    std::string id; ///< correlation id; numbers as decimal text. Empty: the request belongs to no sequence
    bool start = false, end = false;
};

/// A request on its way through a model. `done` is called exactly once, on an instance's thread or the caller's, with the
/// outputs or the error.
struct InferJob
{
    // What the front end fills in.
    std::string clientId;
    std::vector<Tensor> inputs;
    std::uint64_t rows = 1;      ///< inferences that it counts as: its batch dimension, 1 for a model that does not batch
    std::uint64_t priority = 0;  ///< 1 is the highest; 0: the model's default
    std::uint64_t timeoutUs = 0; ///< how long it may be queued, where the model lets requests say so; 0: the model's default
    SequencePlace sequence;
    /// Set by the front end when nobody waits for the answer any more; ModelServer::dropCancelled() then answers it if it is still
    /// queued, and a decoupled model makes no further response. Null: the request is never cancelled.
    std::shared_ptr<std::atomic<bool>> cancelled;
    /// For decoupled models: each response as it is made, on the instance's thread. `final` says that none follows; outputs may be
    /// empty with it, and the request is counted by then. `done` is called after the last one.
    std::function<void(InferJob&, std::vector<Tensor> outputs, bool final)> respond;
    std::function<void(InferJob&, const Result<void>&)> done;

    // What the model fills in.
    std::uint64_t id = 0;                    ///< unique in the process
    const ModelDescription* model = nullptr; ///< of the model that took it; lives as long as the model
    std::vector<Tensor> outputs;
    RequestTimes times;
    std::uint64_t batchId = 0;                      ///< unique in the process; 0: it was not executed
    std::string instance;                           ///< name of the instance that executed it
    std::int64_t threadId = 0;                      ///< the instance's, the kernel's number; 0: it was not executed
    std::optional<std::uint32_t> streamId;          ///< CUPTI's number of the instance's stream
    /// Of a decoupled model: made, and to be sent when the request is counted.
    struct LastResponse
    {
        std::vector<Tensor> outputs;
        std::int64_t madeNs; ///< CLOCK_MONOTONIC
    };
    std::optional<LastResponse> lastResponse;
    std::size_t responses = 0;                      ///< of a decoupled model: made until now
    std::int64_t responseBegan = 0;                 ///< when the last one was sent, or the first begun; 0: none is
    bool isCutShort = false;                        ///< its client takes no more of its responses
    bool cacheHit = false;                          ///< answered by the response cache, without an execution
    FailureReason failure = FailureReason::Other;   ///< when it failed
    std::uint64_t requestRange = 0, queueRange = 0; ///< NVTX
    CacheKey cacheKey{};                            ///< of a model whose answers are kept
    std::uint64_t answerNumber = 0;                 ///< place in the order of answers; 0: there is no order

    [[nodiscard]] bool isCancelled() const { return cancelled && cancelled->load(std::memory_order_relaxed); }
};

} // namespace gantry::inference_server
