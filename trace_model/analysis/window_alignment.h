#pragma once

#include "trace_model/trace/trace.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace gantry::analysis {

/// What of two windows is put at the same place when they stand beside each other.
struct WindowAlignment
{
    enum class By
    {
        Start,     ///< of the reports
        Request,   ///< the start of the `index`-th complete request, from 0
        Range,     ///< the start of the `index`-th NVTX range of that text, from 0
        Iteration, ///< the start of the `index`-th iteration of both, from 0 (iterations.h); `text`: of which range, empty: what repeats
        Hand,      ///< `shift`
    };
    By by = By::Start;
    std::string text;
    std::size_t index = 0;
    DurationNs shift = 0; ///< from a time of A to that of B beside it

    bool operator==(const WindowAlignment&) const = default;
};

/// Where in a trace its start, request or range is. Absent: it has no such request or range, or takes two traces (alignedWindows()). Any
/// thread; linear in the requests or ranges.
[[nodiscard]] std::optional<TimestampNs> anchorOf(const trace::Trace& trace, const WindowAlignment& alignment);

/// Texts of NVTX ranges that both traces have, but the server's own, the most frequent in A first; at most `most`.
[[nodiscard]] std::vector<std::string> commonRanges(const trace::Trace& a, const trace::Trace& b, std::size_t most = 30);

} // namespace gantry::analysis
