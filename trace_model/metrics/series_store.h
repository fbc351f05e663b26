#pragma once

#include "trace_model/base/time.h"
#include "trace_model/metrics/coarse_points.h"
#include "trace_model/metrics/series.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// Live series, bounded per series. One writer; readers take snapshot copies. Not thread-safe by itself: the owner (UI thread)
/// both writes and reads.
class SeriesStore
{
public:
    /// How many steps a window has that is answered with coarse points.
    static constexpr int kCoarseSteps = 600;

    /// Keeps at most `maxPointsPerSeries` newest points; older ones fall out, counted in evicted(). `coarseStep` > 0: windows of at least
    /// kCoarseSteps of it are answered with few points of each step (CoarsePoints), as a curve needs them that has a pixel for many
    /// samples.
    explicit SeriesStore(std::size_t maxPointsPerSeries = 36000, DurationNs coarseStep = 0); // 1 h at 10 Hz

    void define(SeriesDefinition definition);
    /// Forgets series with their points; ids that are not there are left out.
    void remove(std::span<const std::uint32_t> ids);
    /// Forgets the series whose last point is older than that, and says which; those without a point yet stay.
    std::vector<std::uint32_t> removeEndedBefore(TimestampNs time);
    /// Appends; a sample of an undefined series or older than the last one is refused and counted.
    void append(const Sample& sample);
    /// Puts points (oldest first) where there are none: those that are at least `apart` from each one here, and before the last of them.
    void fillIn(std::uint32_t id, const std::vector<Point>& points, DurationNs apart);

    /// All, by their ids; valid until one is defined anew or removed, as what named() and find() give.
    [[nodiscard]] std::vector<const SeriesDefinition*> definitions() const;
    /// Those of a metric, by their ids, found without looking at the others.
    [[nodiscard]] const std::vector<const SeriesDefinition*>& named(std::string_view name) const;
    [[nodiscard]] const SeriesDefinition* find(std::uint32_t id) const;
    /// Points in [window.start, window.end), oldest first.
    [[nodiscard]] std::vector<Point> snapshot(std::uint32_t id, TimeRange window) const;
    /// Rate per second of a counter at each sample, over the shortest time back to another sample that is at least `base` (0: to
    /// the neighbour); nothing across a restart (value drops), and nothing before there is that much.
    [[nodiscard]] std::vector<Point> rate(std::uint32_t id, TimeRange window, DurationNs base = 0) const;
    [[nodiscard]] TimestampNs newest() const { return m_newest; } ///< 0: nothing yet
    [[nodiscard]] std::uint64_t refused() const { return m_refused; }
    [[nodiscard]] std::uint64_t evicted() const { return m_evicted; }
    void clear();

private:
    void forgetName(const SeriesDefinition& definition);

    struct Series
    {
        SeriesDefinition definition;
        std::deque<Point> points;
        CoarsePoints coarse; ///< the same, where there is a step for them
    };
    [[nodiscard]] const std::deque<Point>& pointsFor(const Series& series, TimeRange window) const;

    std::size_t m_maxPoints;
    DurationNs m_coarseStep;
    std::map<std::uint32_t, Series> m_series;
    std::map<std::string, std::vector<const SeriesDefinition*>, std::less<>> m_byName; ///< of m_series, whose nodes stay where they are
    TimestampNs m_newest = 0;
    std::uint64_t m_refused = 0;
    std::uint64_t m_evicted = 0;
};

/// Rate points of `numerator` divided by those of `denominator` at the same sample times: mean per event (µs per request).
[[nodiscard]] std::vector<Point> ratioOfRates(const std::vector<Point>& numerator, const std::vector<Point>& denominator);

} // namespace gantry::metrics
