#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/metrics/series_store.h"

#include <string>

namespace gantry::cli {

/// What a node measures, as `node watch` shows it: counters as rates, in the units people use. One stream of metrics, one thread.
class MetricsBlock
{
public:
    void add(const proto::MetricsBatch& batch);

    /// The newest values, each on a line under the node's time of the newest sample (shown in this machine's time zone); empty
    /// before the first sample. A rate needs samples over a second, and what has had no sample for a while has no line.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] TimestampNs newest() const { return m_store.newest(); } ///< node CLOCK_MONOTONIC; 0: no sample yet

private:
    metrics::SeriesStore m_store{kKeptPoints};
    std::int64_t m_utcOffsetNs = 0; ///< the node's CLOCK_REALTIME less its CLOCK_MONOTONIC

    static constexpr std::size_t kKeptPoints = 256; // far more than text() looks back
};

} // namespace gantry::cli
