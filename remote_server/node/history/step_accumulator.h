#pragma once

#include "remote_server/proto/live_types.h"
#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <unordered_map>

namespace gantry::node {

using proto::HistoryColumns;
using HistoryColumnsById = std::unordered_map<std::uint32_t, HistoryColumns>;

/// Makes points of steps out of samples: the mean of a gauge with its extremes, the last value of a counter; each at the time of the
/// step's last sample, so that it never says what was not measured yet. A step without samples has no point. One thread at a time.
class StepAccumulator
{
public:
    explicit StepAccumulator(DurationNs step) : m_step(step) {}

    [[nodiscard]] DurationNs step() const { return m_step; }

    /// Appends a point to `finished` where a step of that series is over. Samples of a series come in order.
    void take(std::uint32_t id, metrics::SeriesKind kind, TimestampNs time, double value, HistoryColumnsById& finished);
    /// The same of all series whose steps ended before.
    void finish(TimestampNs before, HistoryColumnsById& finished);

private:
    struct Open
    {
        metrics::SeriesKind kind = metrics::SeriesKind::Gauge;
        std::int64_t number = 0; ///< of the step
        std::uint32_t samples = 0;
        TimestampNs lastTime = 0;
        double sum = 0, last = 0, minimum = 0, maximum = 0;
    };
    [[nodiscard]] std::int64_t numberOf(TimestampNs time) const;
    static void close(std::uint32_t id, Open& open, HistoryColumnsById& finished);

    DurationNs m_step;
    std::unordered_map<std::uint32_t, Open> m_open;
};

} // namespace gantry::node
