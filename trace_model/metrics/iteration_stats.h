#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::metrics {

/// One iteration of TensorRT-LLM's scheduler, as trtllm-serve says it at GET /metrics.
struct IterationStats
{
    /// When it was, by the time of day of the server, as if that were UTC: it does not say its time zone. Nothing: it says no time.
    std::optional<std::int64_t> localNs;
    std::vector<std::pair<std::string, double>> values; ///< "trtllm.iterLatencyMS", "trtllm.kvCacheStats.usedNumBlocks"; absent is absent
};

struct IterationStatsList
{
    std::vector<IterationStats> iterations; ///< in the order of the server: oldest first
    std::uint64_t malformed = 0;            ///< entries that are none, or the whole answer
};

/// Whether an answer of an endpoint of metrics is such a list, and no text in the format of Prometheus.
[[nodiscard]] bool isIterationStats(std::string_view body);
/// Numbers of each entry, also of the objects in it, bounded in number. Any thread.
[[nodiscard]] IterationStatsList readIterationStats(std::string_view body);
/// Of a name of IterationStats::values: "ms", "bytes", "ratio" or "count".
[[nodiscard]] std::string_view unitOfIterationStat(std::string_view name);
/// When iterations were, from the newest one's time of day and what time it is here: in UTC or in this machine's time zone, whichever is
/// not in the future and nearest. Added to localNs for ns since 1970; nothing where neither is believable. `zoneNs`: what is added to UTC
/// for the local time of this machine.
[[nodiscard]] std::optional<std::int64_t> iterationClock(std::int64_t newestLocalNs, std::int64_t utcNowNs, std::int64_t zoneNs);

} // namespace gantry::metrics
