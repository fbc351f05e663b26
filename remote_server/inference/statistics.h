#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>

namespace gantry::inference_server {

/// Times of one request, ns of CLOCK_MONOTONIC; compute times are its batch's.
struct RequestTimes
{
    std::int64_t start = 0, queueStart = 0, computeStart = 0, inputEnd = 0, outputStart = 0, computeEnd = 0, end = 0;
};

/// Counters of one model, with Triton's meaning: compute times are charged in full to every request of a batch, counts are
/// requests. Any thread.
class ModelStatistics
{
public:
    /// Upper bounds of the buckets that requests are counted in by their latency: 20 a decade, 0.1 ms to 10 s. As fine as this because what
    /// a profiler costs is tenths of a millisecond.
    static constexpr std::size_t kLatencyBounds = 101;
    [[nodiscard]] static double latencyBoundMs(std::size_t bucket);

    struct Values
    {
        std::uint64_t success = 0, failed = 0, inferences = 0, executions = 0, pending = 0;
        std::uint64_t requestNs = 0, failedNs = 0, queueNs = 0, inputNs = 0, inferNs = 0, outputNs = 0;
        std::uint64_t lastInferenceMs = 0;                             ///< CLOCK_REALTIME
        std::map<std::uint64_t, std::array<std::uint64_t, 4>> batches; ///< by size: count, input, infer, output ns
        std::array<std::uint64_t, kLatencyBounds + 1> latencies{};     ///< requests by bucket; the last one is of all that took longer
    };

    void enqueued();
    void dequeued(std::uint64_t requests);
    void executed(std::uint64_t batchSize, const RequestTimes& times);
    void succeeded(const RequestTimes& times);
    void failed(std::int64_t durationNs);
    [[nodiscard]] Values values() const;

private:
    mutable std::mutex m_mutex; ///< everything below
    Values m_values;
};

} // namespace gantry::inference_server
