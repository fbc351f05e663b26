#include "trace_model/analysis/findings/findings.h"

#include "trace_model/analysis/findings/rule.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gantry::findings {
namespace {

struct Word
{
    std::string_view name, text;
};
constexpr std::array<Word, 3> kSharesOf = {
    {{"window", "of the window"}, {"request_time", "of the requests' time"}, {"gpu_work", "of the GPU's work"}}};
constexpr std::array<std::string_view, 3> kSeverities = {"problem", "advice", "note"};

bool hasFinding(const Diagnosis& diagnosis, std::string_view rule)
{
    return std::any_of(diagnosis.findings.begin(), diagnosis.findings.end(), [&](const Finding& finding) { return finding.rule == rule; });
}

/// Problems first, then what costs most; what is no matter of time comes first of its kind, for it concerns all the numbers.
bool isMoreUrgent(const Finding& a, const Finding& b)
{
    if (a.severity != b.severity)
        return a.severity < b.severity;
    return a.share.value_or(2) > b.share.value_or(2);
}

/// Leaves out edits for what was not recorded.
void keepFitting(std::vector<Remedy>& remedies, const Facts& facts)
{
    const bool isForServers = facts.hasRequests(), isForPyTorch = !isForServers && facts.isPyTorch();
    std::erase_if(remedies, [&](const Remedy& remedy) {
        return (remedy.whom == RemedyFor::Servers && !isForServers) || (remedy.whom == RemedyFor::PyTorch && !isForPyTorch);
    });
}

void apply(const Rule& rule, const Facts& facts, Diagnosis& diagnosis)
{
    Judgement judgement = rule.judge(facts);
    const RuleName name{rule.id, rule.title};
    if (!judgement.whyNot.empty())
        return diagnosis.unjudged.push_back({name, std::move(judgement.whyNot)});
    if (judgement.findings.empty())
        return diagnosis.silent.push_back(name);
    const bool isSaidBetter =
        std::any_of(rule.unless.begin(), rule.unless.end(), [&](std::string_view other) { return hasFinding(diagnosis, other); });
    if (isSaidBetter)
        return;
    for (Finding& finding : judgement.findings) {
        finding.rule = rule.id;
        keepFitting(finding.remedies, facts);
        diagnosis.findings.push_back(std::move(finding));
    }
}

} // namespace

std::string_view name(Severity severity)
{
    return kSeverities[static_cast<std::size_t>(severity)];
}

std::optional<Severity> severityFromName(std::string_view text)
{
    const auto found = std::find(kSeverities.begin(), kSeverities.end(), text);
    if (found == kSeverities.end())
        return std::nullopt;
    return static_cast<Severity>(found - kSeverities.begin());
}

std::string_view text(ShareOf of)
{
    return kSharesOf[static_cast<std::size_t>(of)].text;
}

std::string_view name(ShareOf of)
{
    return kSharesOf[static_cast<std::size_t>(of)].name;
}

std::span<const RuleName> ruleNames()
{
    static const std::vector<RuleName> kNames = [] {
        std::vector<RuleName> names;
        std::transform(rules().begin(), rules().end(), std::back_inserter(names), [](const Rule& rule) {
            return RuleName{rule.id, rule.title};
        });
        return names;
    }();
    return kNames;
}

Diagnosis diagnose(const trace::Trace& trace, const std::stop_token& stop)
{
    Diagnosis diagnosis;
    const Facts facts(trace, stop);
    for (const Rule& rule : rules()) {
        if (stop.stop_requested()) {
            diagnosis.isCancelled = true;
            return diagnosis;
        }
        apply(rule, facts, diagnosis);
    }
    std::stable_sort(diagnosis.findings.begin(), diagnosis.findings.end(), isMoreUrgent);
    return diagnosis;
}

} // namespace gantry::findings
