#pragma once

#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/node/sampling/sample_source.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// Asks every source five times a second, stamps what they say with CLOCK_MONOTONIC and hands it to every sink. Any thread;
/// owns its thread.
class Sampler : public MetricsSource
{
public:
    explicit Sampler(std::chrono::milliseconds period = std::chrono::milliseconds(200));
    ~Sampler() override;

    void addSource(const std::string& key, std::unique_ptr<SampleSource> source);
    void removeSource(const std::string& key);

    void add(MetricsSink& sink) override;
    void remove(MetricsSink& sink) override;

private:
    class Round;
    void run(std::stop_token stop);
    void sampleOnce();

    std::chrono::milliseconds m_period;
    std::mutex m_mutex; ///< everything below
    std::map<std::string, std::unique_ptr<SampleSource>> m_sources;
    std::vector<MetricsSink*> m_sinks;
    std::map<std::string, std::uint32_t> m_ids; ///< by name and labels
    std::vector<metrics::SeriesDefinition> m_definitions;
    std::jthread m_thread;
};

} // namespace gantry::node
