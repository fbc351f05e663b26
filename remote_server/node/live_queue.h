#pragma once

#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/proto/node_types.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace gantry::node {

/// One client's metrics stream: bounded, loses the oldest samples and counts them with those that the sampler dropped. The sampler's thread
/// fills it, the stream's thread empties it.
class LiveQueue : public MetricsSink
{
public:
    explicit LiveQueue(std::size_t maxSamples = 50'000) : m_maxSamples(maxSamples) {}

    void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) override
    {
        const std::lock_guard lock(m_mutex);
        m_definitions.insert(m_definitions.end(), definitions.begin(), definitions.end());
        m_changed.notify_one();
    }

    void onSamples(std::span<const metrics::Sample> samples) override
    {
        const std::lock_guard lock(m_mutex);
        m_samples.insert(m_samples.end(), samples.begin(), samples.end());
        while (m_samples.size() > m_maxSamples) {
            m_samples.pop_front();
            ++m_dropped;
        }
        m_changed.notify_one();
    }

    void onDropped(std::uint64_t samples) override
    {
        const std::lock_guard lock(m_mutex);
        m_dropped += samples;
    }

    void onRemoved(std::span<const std::uint32_t>) override {} // the client keeps what it has drawn

    /// Everything that has gathered, waiting up to `timeout` for something; nothing when there is still none.
    [[nodiscard]] std::optional<proto::MetricsBatch> take(std::chrono::milliseconds timeout)
    {
        std::unique_lock lock(m_mutex);
        if (!m_changed.wait_for(lock, timeout, [&] { return !m_definitions.empty() || !m_samples.empty(); }))
            return std::nullopt;
        proto::MetricsBatch batch;
        batch.sequence = ++m_sequence;
        batch.droppedSamples = m_dropped;
        batch.definitions.swap(m_definitions);
        batch.samples.assign(m_samples.begin(), m_samples.end());
        m_samples.clear();
        return batch;
    }

private:
    std::size_t m_maxSamples;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<metrics::SeriesDefinition> m_definitions;
    std::deque<metrics::Sample> m_samples;
    std::uint64_t m_dropped = 0;
    std::uint64_t m_sequence = 0;
};

} // namespace gantry::node
