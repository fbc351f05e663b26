#pragma once

#include "trace_model/trace/trace.h"

#include <string>

namespace gantry::cli {

enum class Verdict { Same, Better, Worse, CannotSay };

[[nodiscard]] const char* name(Verdict verdict); ///< "same", "better", "worse", "cannot say"

struct LatencyVerdict
{
    Verdict verdict = Verdict::CannotSay;
    std::string reason; ///< one sentence
};

/// Whether requests of B took less or more time than those of A, by the median latency of the complete ones. The 95 % interval of
/// each median comes from order statistics (no assumption about the shape). "better" and "worse" need intervals that do not
/// overlap and medians more than 2 % apart; "same" needs both intervals within 2 % of A's median; all else is "cannot say",
/// as is a side with fewer than 30 complete requests. Two captures of one run each cannot tell more than that.
[[nodiscard]] LatencyVerdict compareLatency(const trace::Trace& a, const trace::Trace& b);

} // namespace gantry::cli
