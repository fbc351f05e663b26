#pragma once

#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/node/sampling/sample_source.h"
#include "remote_server/proto/live_types.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// Asks every source ten times a second, stamps what they say with CLOCK_MONOTONIC and hands it to every sink. Bounded: a source
/// has kMostSeriesPerSource series, and those of removed sources are forgotten, the oldest first. Any thread; owns its thread.
class Sampler : public MetricsSource
{
public:
    explicit Sampler(std::chrono::milliseconds period = std::chrono::milliseconds(100));
    ~Sampler() override;

    void addSource(const std::string& key, std::unique_ptr<SampleSource> source);
    /// Its series keep their ids for a while, in case it comes back.
    void removeSource(const std::string& key);

    /// Those that are sampled now, by their keys; what target they belong to and who added them is not known here.
    [[nodiscard]] std::vector<proto::MetricSource> sources() const;

    void add(MetricsSink& sink) override;
    void remove(MetricsSink& sink) override;
    void refresh() override;

private:
    class Round;
    struct Source
    {
        std::unique_ptr<SampleSource> source; ///< null: removed
        std::vector<std::string> series;      ///< keys of its series
        bool failing = false;                 ///< the last round threw
        std::string failure;                  ///< with what
        TimestampNs newest = 0;               ///< of its samples; 0: none yet
        DurationNs lastRoundNs = 0;           ///< how long its part of the last round took
        std::uint64_t dropped = 0;            ///< samples beyond kMostSeriesPerSource
    };
    void run(std::stop_token stop);
    void sampleOnce();
    void refreshSources();
    void forgetOldest();

    std::chrono::milliseconds m_period;
    mutable std::mutex m_mutex; ///< everything below
    std::map<std::string, Source> m_sources;
    std::deque<std::string> m_removed; ///< keys of removed sources, the oldest first
    std::vector<MetricsSink*> m_sinks;
    std::map<std::string, std::uint32_t> m_ids; ///< by name and labels
    std::map<std::uint32_t, metrics::SeriesDefinition> m_definitions;
    std::uint32_t m_lastId = 0;
    std::mutex m_wakeMutex; ///< m_isRefreshWanted
    std::condition_variable_any m_wake;
    bool m_isRefreshWanted = false;
    std::jthread m_thread;
};

} // namespace gantry::node
