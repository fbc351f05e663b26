#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace gantry::analysis {

/// In what a request differs from the median of its peers.
struct RequestDifference
{
    enum class Of
    {
        Latency,
        Phase,
        Batch, ///< how many requests its execution served
    };
    Of of = Of::Latency;
    records::RequestPhase phase = records::RequestPhase::Outside; ///< of Phase; Outside: what lies in none
    std::int64_t value = 0, median = 0;                           ///< ns, or requests

    [[nodiscard]] double ratio() const { return median > 0 ? static_cast<double>(value) / static_cast<double>(median) : 0; }
};

/// What stands out of a request among the complete ones of its model, the latency first, then by how much time it makes. Durations that
/// are at least half as long again as the median, or as short, and make at least a twentieth of the median latency; batches of another
/// size. Nothing where fewer than five peers would make a median, for a request that was cut by the window, or one that is as all others.
/// Any thread; linear in the requests.
[[nodiscard]] std::vector<RequestDifference> differencesFromMedian(const trace::Trace& trace, trace::RequestIndex request);

} // namespace gantry::analysis
