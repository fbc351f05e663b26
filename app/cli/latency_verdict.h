#pragma once

#include "trace_model/trace/trace.h"

#include <string>

namespace gantry::cli {

enum class Verdict
{
    Same,
    Better,
    Worse,
    NoClearDifference, ///< what chance alone explains
    CannotSay,         ///< nothing to compare
};

/// The word for scripts: "same", "better", "worse" or "cannot say" (of the last two).
[[nodiscard]] const char* name(Verdict verdict);
[[nodiscard]] const char* headline(Verdict verdict); ///< for people: "B is better", "No clear difference", …

struct LatencyVerdict
{
    Verdict verdict = Verdict::CannotSay;
    std::string reason; ///< one sentence
};

/// Whether requests of B took less or more time than those of A, by the median latency (analysis::Distribution) of the complete
/// requests of one model: of those that both have, the one that took most time in A. The 95 % interval of each median comes from
/// order statistics (no assumption about the shape). Better and worse need intervals that do not overlap and medians more than
/// 2 % apart; same needs both intervals within 2 % of A's median; all else is no clear difference. A side with fewer than 30
/// complete requests of the model cannot be compared. Two captures of one run each cannot tell more than that.
[[nodiscard]] LatencyVerdict compareLatency(const trace::Trace& a, const trace::Trace& b);

} // namespace gantry::cli
