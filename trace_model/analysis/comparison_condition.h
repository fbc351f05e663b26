#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/base/result.h"

#include <string>
#include <string_view>

namespace gantry::analysis {

/// How much worse is too much, as `gantryctl compare --fail-if` is told:
///
///     p99>+5%                        latency, of the model that the verdict is about; also p50 (or median), p95, mean
///     p50>+2ms                       by an amount
///     phase:queue:p95>+1ms           one phase of requests
///     kernel:gemm.*:median>+10%      each kernel that the regular expression (RE2) is found in; memcpy, api, nvtx, execution, batch, gpu,
///                                    gap, metric and latency (of a model) likewise
///     throughput<-5%                 requests a second
struct ComparisonCondition
{
    std::string text;   ///< as it was written
    RowKind kind = RowKind::Latency;
    std::string pattern; ///< of the row's name; empty: any, for latency that of the verdict's model
    Statistic statistic = Statistic::Mean;
    bool isAbove = true;    ///< holds above the limit, else below it
    double limit = 0;       ///< with its sign: of B - A, as a share of A, or in the unit of the row
    bool isShare = true;
    bool isTime = false;    ///< of a limit that is no share: in ns
};

/// Errors: BadInput, with what is wrong and what is possible.
[[nodiscard]] Result<ComparisonCondition> parseCondition(std::string_view text);

enum class ConditionOutcome
{
    Holds,
    DoesNotHold,
    CannotSay, ///< nothing that it is about is on both sides, or too little of it
};

struct ConditionResult
{
    ConditionOutcome outcome = ConditionOutcome::CannotSay;
    std::string reason; ///< a sentence
};

/// Whether a condition holds: the change of a row that it is about is beyond the limit, and told from chance (Holm's correction among the
/// rows of the condition). A change beyond the limit that chance explains does not hold, and the reason says so.
[[nodiscard]] ConditionResult evaluate(const ComparisonCondition& condition, const Comparison& comparison);

} // namespace gantry::analysis
