#pragma once

#include "trace_model/metrics/series_store.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::node {

/// Collects the values of one round of sampling. A value that cannot be read is not reported: absent, never zero.
class SampleRound
{
public:
    virtual ~SampleRound() = default;
    virtual void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit,
                        metrics::SeriesKind kind, std::string_view help, double value) = 0;
    /// What is reported from here on was measured then (CLOCK_MONOTONIC), not now; until the source's turn is over.
    virtual void setTime(TimestampNs) {}
};

/// Something that can be measured: the host, the GPUs, a server's metrics endpoint. Sampler's thread only.
class SampleSource
{
public:
    virtual ~SampleSource() = default;
    virtual void sample(SampleRound& round) = 0;
    /// Of one that reads by itself: reads at once, for the next round. Must not block.
    virtual void refresh() {}
};

} // namespace gantry::node
