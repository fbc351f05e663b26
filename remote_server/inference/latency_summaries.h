#pragma once

#include "remote_server/inference/statistics.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::inference_server {

/// Quantiles of one kind of duration over the last minute or so: counts by buckets that grow by 2 %, which is how exact the quantiles are.
/// One thread at a time.
class RecentDurations
{
public:
    using Clock = std::chrono::steady_clock;
    void add(double us, Clock::time_point now);
    /// `quantile`: 0 to 1. Nothing when nothing was added lately.
    [[nodiscard]] std::optional<double> quantile(double quantile, Clock::time_point now) const;

private:
    // 10 ns to more than 100 s; what is shorter counts as 10 ns.
    static constexpr std::size_t kBuckets = 1192;
    // A minute in five parts, as Prometheus' client libraries keep summaries.
    static constexpr std::size_t kParts = 5;
    static constexpr std::chrono::seconds kPart{12};
    struct Part
    {
        std::int64_t number = -1; ///< of the parts since the clock began
        std::array<std::uint32_t, kBuckets> counts{};
    };
    std::array<Part, kParts> m_parts;
};

/// The durations of each model's requests of which Triton has summaries. Any thread.
class LatencySummaries
{
public:
    enum Kind : std::size_t
    {
        Request,
        Queue,
        ComputeInput,
        ComputeInfer,
        ComputeOutput,
        CacheHit,
        CacheMiss,
        kKinds
    };
    /// A request that succeeded.
    void add(const std::string& model, const std::string& version, const RequestTimes& times, bool cacheHit);
    [[nodiscard]] std::vector<std::optional<double>> quantiles(const std::string& model, const std::string& version, Kind kind,
                                                               const std::vector<double>& wanted) const;

private:
    using OfModel = std::array<std::unique_ptr<RecentDurations>, kKinds>; ///< null: none yet
    mutable std::mutex m_mutex;                                           ///< everything below
    std::map<std::pair<std::string, std::string>, OfModel> m_models;
};

} // namespace gantry::inference_server
