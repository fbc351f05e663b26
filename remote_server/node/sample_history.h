#pragma once

#include "remote_server/node/report_assembler.h"
#include "remote_server/node/sampling/metrics_sink.h"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace gantry::node {

/// Keeps the newest samples, for the recorder of a window and the rate before it. Sampler's thread writes, engine's reads.
class SampleHistory : public MetricsSink
{
public:
    void onDefinitions(std::span<const metrics::SeriesDefinition> definitions) override;
    void onSamples(std::span<const metrics::Sample> samples) override;
    void onDropped(std::uint64_t samples) override;
    void onRemoved(std::span<const std::uint32_t> seriesIds) override;

    /// Samples from this time on (less the history for the cost) stay until the next call.
    void keepFrom(std::int64_t time);
    /// Dropped samples are counted from here on.
    void beginWindow();

    void copyTo(WindowCapture& window) const;

    /// Appends the samples that came behind the first `taken`, as far as they are still kept; how many there have been by now.
    [[nodiscard]] std::uint64_t copyNewer(std::uint64_t taken, std::vector<metrics::Sample>& samples) const;
    [[nodiscard]] std::uint64_t taken() const;
    [[nodiscard]] std::vector<metrics::SeriesDefinition> definitions() const;
    /// Changes whenever a series is new.
    [[nodiscard]] std::size_t seriesDefined() const;

private:
    mutable std::mutex m_mutex; ///< everything below
    std::map<std::uint32_t, metrics::SeriesDefinition> m_definitions;
    std::deque<metrics::Sample> m_samples;
    std::uint64_t m_taken = 0; ///< samples, also those that are gone
    std::size_t m_defined = 0;
    std::deque<std::pair<TimestampNs, std::vector<std::uint32_t>>> m_removed; ///< with the time of the last sample before
    TimestampNs m_newest = 0;
    std::int64_t m_keepFrom = INT64_MAX;
    std::uint64_t m_dropped = 0;
};

} // namespace gantry::node
