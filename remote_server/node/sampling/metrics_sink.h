#pragma once

#include "trace_model/metrics/series_store.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace gantry::node {

/// Series of one source of samples (the host, the GPUs, a server) that get an id. A server with thousands of models is measured by
/// its first ones, and one whose labels change with each scrape does not fill the memory.
inline constexpr std::size_t kMostSeriesPerSource = 2000;

/// Receives what the sampler measures. The live stream of a client and the recorder of a capture window are both sinks.
/// Called on the sampler's thread; must not block. A new sink first gets all definitions known so far.
class MetricsSink
{
public:
    virtual ~MetricsSink() = default;
    virtual void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) = 0;
    virtual void onSamples(std::span<const metrics::Sample> samples) = 0;
    /// So many samples more had no series: their source has kMostSeriesPerSource already.
    virtual void onDropped(std::uint64_t samples) = 0;
    /// These series have ended for good: their ids never come back. Any thread.
    virtual void onRemoved(std::span<const std::uint32_t> seriesIds) = 0;
};

/// Where sinks are attached. Any thread. remove() returns only when no call into the sink is running.
class MetricsSource
{
public:
    virtual ~MetricsSource() = default;
    virtual void add(MetricsSink& sink) = 0;
    virtual void remove(MetricsSink& sink) = 0;
    /// Asks sources that are read now and then to be read at once: something begins or ends. Does not wait for them.
    virtual void refresh() {}
};

/// Keeps a sink attached for as long as it lives, also when an exception ends it.
class AttachedSink
{
public:
    AttachedSink(MetricsSource& source, MetricsSink& sink) : m_source(source), m_sink(sink) { m_source.add(m_sink); }
    ~AttachedSink() { m_source.remove(m_sink); }
    AttachedSink(const AttachedSink&) = delete;
    AttachedSink& operator=(const AttachedSink&) = delete;

private:
    MetricsSource& m_source;
    MetricsSink& m_sink;
};

} // namespace gantry::node
