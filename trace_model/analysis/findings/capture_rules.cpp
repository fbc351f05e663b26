#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/analysis/gaps.h"
#include "trace_model/base/counted.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <cmath>

namespace gantry::findings {
namespace {

constexpr std::size_t kFewestRequests = 30;  // complete: a percentile of fewer is a single request's luck
constexpr DurationNs kShortest = 10'000'000; // ns of GPU work: less is one iteration of something, not how it runs
constexpr std::size_t kFewestPieces = 100;   // of GPU work
constexpr double kDearWindow = 0.05;         // of the requests per second

std::size_t pieces(const Facts& facts)
{
    std::size_t count = 0;
    for (const GpuFacts& gpu : facts.gpus)
        count += gpu.pieces();
    return count;
}

DurationNs longestWork(const Facts& facts)
{
    DurationNs longest = 0;
    for (const GpuFacts& gpu : facts.gpus)
        longest = std::max(longest, gpu.active.duration());
    return longest;
}

} // namespace

Judgement judgeLosses(const Facts& facts)
{
    const std::string gaps = analysis::gapsOf(facts.trace);
    Judgement judgement;
    if (gaps.empty())
        return judgement;
    Finding finding;
    finding.severity = Severity::Note;
    finding.sentence = fmt::format(
        "Something is missing: {}. Counts and sums here are lower than what happened, and what is missing may hide the cause.", gaps);
    finding.remedies = {{"Capture a shorter window, or fewer kinds of activity.", "gantryctl capture --for 500ms -o shorter.gantry"}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeTooShort(const Facts& facts)
{
    std::size_t complete = 0;
    for (const ModelFacts& model : facts.serving.models)
        complete += model.complete.size();
    Judgement judgement;
    Finding finding;
    finding.severity = Severity::Note;
    if (facts.hasRequests() && complete < kFewestRequests)
        finding.sentence = fmt::format("Only {} in the window: too few to say what is usual.", counted(complete, "complete request"));
    else if (!facts.hasRequests() && !facts.hasGpuWork())
        finding.sentence = "The report has neither requests nor work of a GPU: there is hardly anything to judge.";
    else if (!facts.hasRequests() && (longestWork(facts) < kShortest || pieces(facts) < kFewestPieces))
        finding.sentence =
            fmt::format("The GPU's work is {} in {}: too little to say how it usually runs.",
                        pieces(facts) == 1 ? "one kernel or copy" : fmt::format("{} kernels and copies", formatCount(pieces(facts))),
                        formatDuration(longestWork(facts)));
    else
        return judgement;
    finding.remedies = {{"Capture a longer window, under load.", "gantryctl capture --for 2s -o longer.gantry"}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeCaptureCost(const Facts& facts)
{
    const trace::TraceMeta& meta = facts.trace.meta;
    if (!meta.windowCostRatio)
        return Judgement::cannot("what the window cost was not measured");
    if (!meta.isWindowCostClear())
        return Judgement::cannot("the load was too uneven to tell what the window cost");
    Judgement judgement;
    const double cost = -*meta.windowCostRatio;
    // Twice what it varies by: else it may have cost nothing.
    if (cost < kDearWindow || cost < 2 * meta.windowCostError.value_or(0))
        return judgement;
    Finding finding;
    finding.severity = Severity::Note;
    finding.sentence = fmt::format(
        "The capture itself took {} of the requests per second: launches and other calls look longer here than they are without it.",
        percent(cost));
    finding.remedies = {{"Capture fewer kinds of activity where absolute times matter; compare only with reports that were captured alike.",
                         "gantryctl capture --help"}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

} // namespace gantry::findings
