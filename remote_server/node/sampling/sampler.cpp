#include "remote_server/node/sampling/sampler.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::node {

namespace {

constexpr std::size_t kKeptRemovedSources = 16; // a server has two
constexpr DurationNs kSecond = 1'000'000'000;
constexpr DurationNs kForgottenAfter = 300 * kSecond;   // without a value, of a source that has some of others
constexpr DurationNs kForgottenWhenFull = 30 * kSecond; // many times the longest period of a source
constexpr DurationNs kForgetEvery = 60 * kSecond, kForgetWhenFullEvery = 5 * kSecond;

} // namespace

/// One round: gives series their ids and gathers the samples. Mutex held.
class Sampler::Round : public SampleRound
{
public:
    explicit Round(Sampler& sampler) : m_sampler(sampler), m_time(monotonicNow()) {}

    /// Whose samples come next.
    void setSource(Source& source)
    {
        m_source = &source;
        m_sampleTime = m_time;
    }

    void setTime(TimestampNs time) override { m_sampleTime = time; }

    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit, metrics::SeriesKind kind,
                std::string_view help, double value) override
    {
        std::string key(name);
        for (const auto& [label, text] : labels)
            key += '\n' + label + '=' + text;
        auto known = m_sampler.m_ids.find(key);
        if (known == m_sampler.m_ids.end()) {
            if (m_source->series.size() >= kMostSeriesPerSource) {
                m_source->isFull = true;
                ++dropped;
                ++m_source->dropped;
                m_reported = 0;
                return;
            }
            const std::uint32_t id = ++m_sampler.m_lastId;
            definitions.push_back({id, std::string(name), std::string(unit), kind, labels, std::string(help)});
            m_sampler.m_definitions.emplace(id, definitions.back());
            m_source->series.push_back(key);
            known = m_sampler.m_ids.emplace(std::move(key), id).first;
        }
        take(known->second, value);
    }

    /// A handle is the number of its series, which has another one when it comes back after it was forgotten.
    void reportSeries(const metrics::SeriesDefinition& series, std::uint32_t& handle, double value) override
    {
        if (handle != 0 && m_sampler.m_lastMeasured.contains(handle))
            return take(handle, value);
        report(series.name, series.labels, series.unit, series.kind, series.help, value);
        handle = m_reported;
    }

    std::vector<metrics::SeriesDefinition> definitions; ///< new ones
    std::vector<metrics::Sample> samples;
    std::uint64_t dropped = 0;

private:
    void take(std::uint32_t id, double value)
    {
        m_reported = id;
        samples.push_back({id, m_sampleTime, value});
        TimestampNs& last = m_sampler.m_lastMeasured[id];
        if (last != 0 && m_sampleTime - last > kForgottenAfter) // of a server that was silent: who listens may have forgotten it
            definitions.push_back(m_sampler.m_definitions.at(id));
        last = m_sampleTime;
        m_source->newest = std::max(m_source->newest, m_sampleTime);
    }

    Sampler& m_sampler;
    std::uint32_t m_reported = 0; ///< the last one's number; 0: it has none
    TimestampNs m_time;
    TimestampNs m_sampleTime = m_time;
    Source* m_source = nullptr;
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
    // What was there is ended outside the lock: a scraper waits for its thread.
    const std::lock_guard lock(m_mutex);
    std::erase(m_removed, key);
    std::swap(m_sources[key].source, source);
}

void Sampler::removeSource(const std::string& key)
{
    std::unique_ptr<SampleSource> gone; // ended outside the lock: a scraper waits for its thread
    const std::lock_guard lock(m_mutex);
    const auto source = m_sources.find(key);
    if (source == m_sources.end() || !source->second.source)
        return;
    gone = std::move(source->second.source);
    m_removed.push_back(key);
    if (m_removed.size() > kKeptRemovedSources)
        forgetOldest();
}

/// Mutex held.
void Sampler::forgetOldest()
{
    const auto oldest = m_sources.find(m_removed.front());
    forgetSeries(oldest->second.series);
    m_sources.erase(oldest);
    m_removed.pop_front();
}

/// By the times of a source's samples: of one that does not answer at all nothing has ended. Mutex held, as in the next one.
void Sampler::forgetEnded()
{
    for (auto& [key, source] : m_sources) {
        if (!source.source || source.newest - source.lastForgetting < (source.isFull ? kForgetWhenFullEvery : kForgetEvery))
            continue;
        source.lastForgetting = source.newest;
        const DurationNs after = std::exchange(source.isFull, false) ? kForgottenWhenFull : kForgottenAfter;
        const auto ended = std::stable_partition(source.series.begin(), source.series.end(), [&](const std::string& series) {
            return m_lastMeasured.at(m_ids.at(series)) >= source.newest - after;
        });
        forgetSeries({ended, source.series.end()});
        source.series.erase(ended, source.series.end());
    }
}

void Sampler::forgetSeries(const std::vector<std::string>& keys)
{
    std::vector<std::uint32_t> ids;
    for (const std::string& key : keys) {
        const auto series = m_ids.find(key);
        ids.push_back(series->second);
        m_definitions.erase(series->second);
        m_lastMeasured.erase(series->second);
        m_ids.erase(series);
    }
    if (!ids.empty())
        for (MetricsSink* sink : m_sinks)
            sink->onRemoved(ids);
}

std::vector<proto::MetricSource> Sampler::sources() const
{
    const std::lock_guard lock(m_mutex);
    const TimestampNs now = monotonicNow();
    std::vector<proto::MetricSource> result;
    for (const auto& [key, source] : m_sources) {
        if (!source.source)
            continue;
        SourceState state = source.source->state();
        proto::MetricSource one;
        one.id = key;
        one.name = state.name.empty() ? key : std::move(state.name);
        one.url = std::move(state.url);
        one.periodNs = state.periodNs > 0 ? state.periodNs : std::chrono::nanoseconds(m_period).count();
        one.durationNs = state.durationNs ? state.durationNs : source.lastRoundNs > 0 ? std::optional(source.lastRoundNs) : std::nullopt;
        if (source.newest > 0)
            one.lagNs = std::max<DurationNs>(0, now - source.newest);
        one.series = static_cast<std::uint32_t>(source.series.size());
        one.droppedSamples = source.dropped;
        one.problem = source.failing ? source.failure : std::move(state.problem);
        result.push_back(std::move(one));
    }
    return result;
}

void Sampler::add(MetricsSink& sink)
{
    const std::lock_guard lock(m_mutex);
    std::vector<metrics::SeriesDefinition> definitions;
    for (const auto& [id, definition] : m_definitions)
        definitions.push_back(definition);
    sink.onDefinitions(definitions);
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
    for (auto& [key, source] : m_sources) {
        if (!source.source)
            continue;
        round.setSource(source);
        const TimestampNs begin = monotonicNow();
        try {
            source.source->sample(round);
            source.failing = false;
            source.lastRoundNs = monotonicNow() - begin;
        } catch (const std::exception& exception) { // a library's, or no memory: the other sources go on
            source.failure = exception.what();
            if (!std::exchange(source.failing, true))
                spdlog::warn("metrics of {} cannot be read: {}", key, exception.what());
        }
    }
    for (MetricsSink* sink : m_sinks) {
        if (!round.definitions.empty())
            sink->onDefinitions(round.definitions);
        sink->onSamples(round.samples);
        if (round.dropped > 0)
            sink->onDropped(round.dropped);
    }
    forgetEnded();
}

void Sampler::refresh()
{
    const std::lock_guard lock(m_wakeMutex);
    m_isRefreshWanted = true;
    m_wake.notify_all();
}

void Sampler::refreshSources()
{
    const std::lock_guard lock(m_mutex);
    for (auto& [key, source] : m_sources)
        if (source.source)
            source.source->refresh();
}

void Sampler::run(std::stop_token stop)
{
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        try {
            sampleOnce();
        } catch (const std::exception& exception) { // no memory in a sink
            spdlog::error("a round of metrics is lost: {}", exception.what());
        }
        next = std::max(next + m_period, std::chrono::steady_clock::now());
        std::unique_lock lock(m_wakeMutex);
        while (m_wake.wait_until(lock, stop, next, [this] { return m_isRefreshWanted; })) {
            m_isRefreshWanted = false;
            lock.unlock();
            refreshSources();
            lock.lock();
        }
    }
}

} // namespace gantry::node
