#pragma once

#include "trace_model/analysis/findings/finding.h"
#include "trace_model/trace/trace.h"

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::findings {

/// A rule as people meet it: what it looks for.
struct RuleName
{
    std::string_view id;    ///< stable: "pageable-copy"
    std::string_view title; ///< "Copies of pageable memory"
};

/// Every rule there is, in the order of README.md, which says of each its threshold and its reason.
[[nodiscard]] std::span<const RuleName> ruleNames();

/// A rule that this trace has no data for. Absent is not zero: it says nothing, not that all is well.
struct Unjudged
{
    RuleName rule;
    std::string why; ///< part of a sentence: "no requests were recorded"
};

/// What the rules say of a trace.
struct Diagnosis
{
    std::vector<Finding> findings;  ///< problems first; of one severity what costs most first
    std::vector<RuleName> silent;   ///< were judged and found nothing
    std::vector<Unjudged> unjudged; ///< could not be judged
    bool isCancelled = false;       ///< it was asked to stop: the lists are not complete
};

/// Judges a trace by all rules. Any thread; about linear in the events, some hundred ms for a million of them.
[[nodiscard]] Diagnosis diagnose(const trace::Trace& trace, const std::stop_token& stop = {});

} // namespace gantry::findings
