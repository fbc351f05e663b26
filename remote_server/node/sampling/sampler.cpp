#include "remote_server/node/sampling/sampler.h"

#include <algorithm>
#include <condition_variable>
#include <ctime>

namespace gantry::node {

/// One round: gives series their ids and gathers the samples. Mutex held.
class Sampler::Round : public SampleRound
{
public:
    Round(Sampler& sampler) : m_sampler(sampler), m_known(sampler.m_definitions.size())
    {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        m_time = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
    }

    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit, metrics::SeriesKind kind,
                std::string_view help, double value) override
    {
        std::string key(name);
        for (const auto& [label, text] : labels)
            key += '\n' + label + '=' + text;
        const auto [id, isNew] = m_sampler.m_ids.try_emplace(std::move(key), static_cast<std::uint32_t>(m_sampler.m_ids.size() + 1));
        if (isNew)
            m_sampler.m_definitions.push_back({id->second, std::string(name), std::string(unit), kind, labels, std::string(help)});
        samples.push_back({id->second, m_time, value});
    }

    [[nodiscard]] std::span<const metrics::SeriesDefinition> newDefinitions() const { return std::span(m_sampler.m_definitions).subspan(m_known); }

    std::vector<metrics::Sample> samples;

private:
    Sampler& m_sampler;
    std::size_t m_known;
    TimestampNs m_time = 0;
};

Sampler::Sampler(std::chrono::milliseconds period) : m_period(period)
{
    m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
}

Sampler::~Sampler()
{
    m_thread.request_stop();
    m_thread = {};
}

void Sampler::addSource(const std::string& key, std::unique_ptr<SampleSource> source)
{
    const std::lock_guard lock(m_mutex);
    m_sources[key] = std::move(source);
}

void Sampler::removeSource(const std::string& key)
{
    std::unique_ptr<SampleSource> gone; // ended outside the lock: a scraper waits for its thread
    const std::lock_guard lock(m_mutex);
    if (const auto source = m_sources.find(key); source != m_sources.end()) {
        gone = std::move(source->second);
        m_sources.erase(source);
    }
}

void Sampler::add(MetricsSink& sink)
{
    const std::lock_guard lock(m_mutex);
    sink.onDefinitions(m_definitions);
    m_sinks.push_back(&sink);
}

void Sampler::remove(MetricsSink& sink)
{
    const std::lock_guard lock(m_mutex);
    std::erase(m_sinks, &sink);
}

void Sampler::sampleOnce()
{
    const std::lock_guard lock(m_mutex);
    Round round(*this);
    for (const auto& [key, source] : m_sources)
        source->sample(round);
    for (MetricsSink* sink : m_sinks) {
        if (!round.newDefinitions().empty())
            sink->onDefinitions(round.newDefinitions());
        sink->onSamples(round.samples);
    }
}

void Sampler::run(std::stop_token stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        sampleOnce();
        next = std::max(next + m_period, std::chrono::steady_clock::now());
        std::unique_lock lock(mutex);
        wake.wait_until(lock, stop, next, [] { return false; });
    }
}

} // namespace gantry::node
