#pragma once

#include "trace_model/metrics/series_store.h"

#include <span>

namespace gantry::node {

/// Receives what the sampler measures. The live stream of a client and the recorder of a capture window are both sinks.
/// Called on the sampler's thread; must not block. A new sink first gets all definitions known so far.
class MetricsSink
{
public:
    virtual ~MetricsSink() = default;
    virtual void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) = 0;
    virtual void onSamples(std::span<const metrics::Sample> samples) = 0;
};

/// Where sinks are attached. Any thread. remove() returns only when no call into the sink is running.
class MetricsSource
{
public:
    virtual ~MetricsSource() = default;
    virtual void add(MetricsSink& sink) = 0;
    virtual void remove(MetricsSink& sink) = 0;
};

} // namespace gantry::node
