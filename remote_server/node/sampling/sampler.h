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
#include <unordered_map>
#include <vector>

namespace gantry::node {

/// Asks every source ten times a second, stamps what they say with CLOCK_MONOTONIC and hands it to every sink. Bounded: a source
/// has kMostSeriesPerSource series; those that it does not report any more are forgotten after five minutes, sooner where it has no room
/// left; so are those of removed sources, the oldest first. Any thread; owns its thread.
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
        bool isFull = false;                  ///< some were, since it was last looked at for series that have ended
        TimestampNs lastForgetting = 0;       ///< when that was, by its samples
    };
    void run(std::stop_token stop);
    void sampleOnce();
    void refreshSources();
    void forgetOldest();
    void forgetEnded();
    void forgetSeries(const std::vector<std::string>& keys);

    std::chrono::milliseconds m_period;
    mutable std::mutex m_mutex; ///< everything below
    std::map<std::string, Source> m_sources;
    std::deque<std::string> m_removed; ///< keys of removed sources, the oldest first
    std::vector<MetricsSink*> m_sinks;
    std::map<std::string, std::uint32_t> m_ids; ///< by name and labels
    std::map<std::uint32_t, metrics::SeriesDefinition> m_definitions;
    std::unordered_map<std::uint32_t, TimestampNs> m_lastMeasured; ///< of each series
    std::uint32_t m_lastId = 0;
    std::mutex m_wakeMutex; ///< m_isRefreshWanted
    std::condition_variable_any m_wake;
    bool m_isRefreshWanted = false;
    std::jthread m_thread;
};

} // namespace gantry::node
