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
    /// The same for a source of many series, each with a `handle` of its own that is 0 at first and spares looking for it by its labels.
    virtual void reportSeries(const metrics::SeriesDefinition& series, std::uint32_t& handle, double value)
    {
        (void)handle;
        report(series.name, series.labels, series.unit, series.kind, series.help, value);
    }
    /// What is reported from here on was measured then (CLOCK_MONOTONIC), not now; until the source's turn is over.
    virtual void setTime(TimestampNs) {}
};

/// What a source says of itself.
struct SourceState
{
    std::string name;                     ///< as people read it: "GPUs (NVML)"; empty: its key
    std::string url;                      ///< of an endpoint
    DurationNs periodNs = 0;              ///< 0: each round of the sampler
    std::optional<DurationNs> durationNs; ///< of the last reading, where the source reads by itself
    std::string problem;                  ///< why that failed, a sentence; empty: it did not
};

/// Something that can be measured: the host, the GPUs, a server's metrics endpoint. Sampler's thread only.
class SampleSource
{
public:
    virtual ~SampleSource() = default;
    virtual void sample(SampleRound& round) = 0;
    /// Of one that reads by itself: reads at once, for the next round. Must not block.
    virtual void refresh() {}
    [[nodiscard]] virtual SourceState state() const { return {}; }
};

} // namespace gantry::node
