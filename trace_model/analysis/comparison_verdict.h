#pragma once

#include "trace_model/analysis/row_statistics.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

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

/// A statistic of the latency and how it changed, with its p-value corrected for what the verdict asks.
struct AskedChange
{
    Statistic statistic = Statistic::Mean;
    StatisticChange change;
    double p = 1;

    /// Told from chance, and large enough to matter.
    [[nodiscard]] bool isTold() const;
    [[nodiscard]] bool isWorse() const { return isTold() && change.difference() > 0; }
    [[nodiscard]] bool isBetter() const { return isTold() && change.difference() < 0; }
};

struct ComparisonVerdict
{
    Verdict verdict = Verdict::CannotSay;
    std::string reason; ///< one sentence, without the headline
    std::string model;  ///< that it is about; empty: there is none, or it has no name
    std::vector<AskedChange> asked; ///< what it is made of; those that there is enough of to tell
};

/// Complete requests of a model that each side needs, at least.
inline constexpr std::size_t kFewestRequests = 30;

/// The model that a verdict is about. Absent: none has complete requests on both sides.
[[nodiscard]] std::optional<std::string> comparedModel(const Comparison& comparison);

/// Whether requests of B took less or more time than those of A: of the model that both have, the one that took most time in A. Worse: the
/// mean, median, p95 or p99 of its latency is up by more than 2 % and that is told from chance (p-values corrected for the four by Holm's
/// method, times `comparisons`, how many are made at once); better: the same the other way, and none of them is worse. Two captures of one
/// run each cannot tell more than that.
[[nodiscard]] ComparisonVerdict verdictOf(const Comparison& comparison, std::size_t comparisons = 1);

} // namespace gantry::analysis
