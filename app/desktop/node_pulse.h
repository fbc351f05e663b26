#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/time.h"
#include "widgets/fleet/node_tile.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace gantry::desktop {

/// What the fleet shows of a node's live samples: the newest values, and a minute of two of them. Small, since there may be a hundred of
/// it. UI thread.
///
/// A value that was not renewed for kStale is absent, as are all of them after a new stream has begun, until they come. Where no batch
/// comes at all, the clock of this machine says how much time has passed.
class NodePulse
{
public:
    static constexpr DurationNs kStale = 5'000'000'000;
    static constexpr std::size_t kHistoryPoints = 60; ///< one a second

    struct Gpu
    {
        std::optional<double> utilisationRatio, memoryUsedBytes, powerW;
    };

    using Clock = std::function<DurationNs()>; ///< steady; from whenever

    NodePulse();
    explicit NodePulse(Clock clock) : m_clock(std::move(clock)) {}

    /// A new stream begins, see LiveSeries::restart(): the time in between becomes a gap.
    void restart(const std::string& bootId);
    /// The stream has ended: nothing is known any more of now.
    void stop();
    void add(const proto::MetricsBatch& batch);

    /// By the index that the node gives it.
    [[nodiscard]] Gpu gpu(std::uint32_t index) const;
    [[nodiscard]] std::optional<double> cpuRatio() const;
    [[nodiscard]] std::optional<double> hostMemoryUsedBytes() const;
    /// Of all models of all servers.
    [[nodiscard]] std::optional<double> requestsPerSecond() const;
    [[nodiscard]] const widgets::TileHistory& powerHistory() const { return m_power; }
    [[nodiscard]] const widgets::TileHistory& requestHistory() const { return m_requests; }

private:
    enum class What
    {
        GpuUtilisation,
        GpuMemory,
        GpuPower,
        Cpu,
        HostMemory,
        Requests ///< a counter
    };
    struct Series
    {
        What what = What::Cpu;
        std::uint32_t gpu = 0;
        TimestampNs time = 0; ///< 0: no sample yet
        double value = 0;
        // Of a counter: since when it is compared, and what came of the last comparison.
        TimestampNs since = 0;
        double valueThen = 0;
        std::optional<double> perSecond;
    };

    void define(const metrics::SeriesDefinition& definition);
    static void advanceCounter(Series& series, const metrics::Sample& sample);
    [[nodiscard]] bool isFresh(const Series& series) const;
    [[nodiscard]] std::optional<double> newest(What what, std::uint32_t gpu) const;
    /// Absent where that of a GPU is, as in widgets::totalPower().
    [[nodiscard]] std::optional<double> totalPower() const;
    void recordSeconds();

    std::map<std::uint32_t, Series> m_series; ///< by the stream's id
    std::string m_bootId;
    Clock m_clock;
    DurationNs m_heard = 0;       ///< when the last batch came, of m_clock
    TimestampNs m_now = 0;        ///< of the node's clock, at the last batch
    TimestampNs m_nextSecond = 0; ///< when the histories get their next point; 0: with the first batch
    widgets::TileHistory m_power, m_requests;
};

} // namespace gantry::desktop
