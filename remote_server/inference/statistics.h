#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// Times of one request, ns of CLOCK_MONOTONIC; compute times are its batch's. 0: it did not get there.
struct RequestTimes
{
    std::int64_t start = 0, queueStart = 0, computeStart = 0, inputEnd = 0, outputStart = 0, computeEnd = 0, end = 0;
    std::int64_t lookupStart = 0, lookupEnd = 0, insertStart = 0, insertEnd = 0; ///< response cache
    std::int64_t firstResponse = 0;                                              ///< of several; 0: there was one, at the end
};

/// Why a request failed, with the meanings of the label `reason` of Triton's nv_inference_request_failure.
enum class FailureReason : std::uint8_t
{
    Other,
    Backend,   ///< the model's execution failed
    Cancelled, ///< the client was gone before it was executed
    Rejected,  ///< by the queue: too long, or the request waited too long
};

inline constexpr std::size_t kFailureReasons = 4;

/// The label's value: "OTHER", "BACKEND", "CANCELED", "REJECTED".
[[nodiscard]] std::string_view name(FailureReason reason);

/// What became of one of several responses to a request.
enum class ResponseOutcome
{
    Sent,
    Empty, ///< it says only that no other follows
    Failed,
    Cancelled
};

/// Counters of one model, with Triton's meaning: compute times are charged in full to every request of a batch, counts are
/// requests. Any thread.
class ModelStatistics
{
public:
    /// Upper bounds of the buckets that requests are counted in by the time to their first response: 20 a decade, 0.1 ms to 10 s. As fine
    /// as this because what a profiler costs is tenths of a millisecond.
    static constexpr std::size_t kLatencyBounds = 101;
    [[nodiscard]] static double latencyBoundMs(std::size_t bucket);

    /// So many responses to a request are counted each by its place, so that a model that makes them without end takes no memory.
    static constexpr std::size_t kMostResponses = 4096;

    /// Of all responses of one place, the first, the second and so on.
    struct Responses
    {
        struct Sum
        {
            std::uint64_t count = 0, ns = 0;
        };
        Sum infer, output; ///< of those that were sent
        Sum sent, empty, failed, cancelled;
    };

    struct Values
    {
        std::uint64_t success = 0, failed = 0, inferences = 0, executions = 0, pending = 0;
        std::array<std::uint64_t, kFailureReasons> failedBy{}; ///< the same failures, by FailureReason
        std::uint64_t requestNs = 0, firstResponseNs = 0, failedNs = 0, queueNs = 0, inputNs = 0, inferNs = 0, outputNs = 0;
        /// Requests that the response cache answered, and those that it did not know; successes both. A miss costs a lookup, and an
        /// insertion where the answer was kept.
        std::uint64_t cacheHits = 0, cacheMisses = 0, hitLookupNs = 0, missLookupNs = 0, missInsertNs = 0;
        std::uint64_t lastInferenceMs = 0;                             ///< CLOCK_REALTIME
        std::map<std::uint64_t, std::array<std::uint64_t, 4>> batches; ///< by size: count, input, infer, output ns
        std::array<std::uint64_t, kLatencyBounds + 1> latencies{};     ///< requests by the time to their first response; last: all above
        std::vector<Responses> responses;                              ///< of a decoupled model, by place
        std::uint64_t responsesBeyond = 0;                             ///< that had no place in `responses`
    };

    void enqueued();
    void dequeued(std::uint64_t requests);
    /// One execution of so many rows.
    void executed(std::uint64_t batchSize, const RequestTimes& times);
    /// A request of so many rows that was executed.
    void succeeded(const RequestTimes& times, std::uint64_t rows = 1);
    /// A request that the response cache answered: it counts as no inference and has no compute times (Triton).
    void answeredByCache(const RequestTimes& times);
    void failed(std::int64_t durationNs, FailureReason reason = FailureReason::Other);
    /// A response of a decoupled model, or the failure in its stead: its making began when the one before it was sent.
    void responded(std::size_t place, std::int64_t began, std::int64_t made, std::int64_t end, ResponseOutcome outcome);
    [[nodiscard]] Values values() const;

private:
    void answered(const RequestTimes& times);

    mutable std::mutex m_mutex; ///< everything below
    Values m_values;
};

} // namespace gantry::inference_server
