#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace gantry::analysis {

struct Comparison;

enum class Verdict
{
    Same, ///< no significant change, or one of less than 2 %
    Better,
    Worse,
    CannotSay, ///< nothing to compare, too little of it, or so much noise that a large change could hide in it
};

/// The word for scripts: "same", "better", "worse" or "cannot say".
[[nodiscard]] const char* name(Verdict verdict);
[[nodiscard]] const char* headline(Verdict verdict); ///< for people: "B is better", "No significant change", …

struct ComparisonVerdict
{
    Verdict verdict = Verdict::CannotSay;
    std::string reason; ///< one sentence, without the headline
    std::string model;  ///< that it is about; empty: there is none, or it has no name
};

/// Complete requests of a model that each side needs, at least.
inline constexpr std::size_t kFewestRequests = 30;

/// The model that a verdict is about. Absent: none has complete requests on both sides.
[[nodiscard]] std::optional<std::string> comparedModel(const Comparison& comparison);

/// Whether requests of B took less or more time than those of A: of the model that both have, the one that took most time in A. Worse: the
/// mean, median, p95 or p99 of its latency is up by more than 2 % and that is told from chance (p-values corrected for the four by Holm's
/// method); better: the same the other way, and none of them is worse. Two captures of one run each cannot tell more than that.
[[nodiscard]] ComparisonVerdict verdictOf(const Comparison& comparison);

} // namespace gantry::analysis
