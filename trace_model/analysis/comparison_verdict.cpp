#include "trace_model/analysis/comparison_verdict.h"

#include "trace_model/analysis/change_text.h"
#include "trace_model/analysis/comparison.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gantry::analysis {
namespace {

/// An interval of the median that reaches further than this leaves room for a change that nobody would call none.
constexpr double kTooWide = 0.25;

constexpr std::array kAll = {Statistic::Median, Statistic::Mean, Statistic::P95, Statistic::P99};

/// The latency of the model that both sides have, the first of those by time in A. Null: they have none in common.
const ComparisonRow* latencyOf(const Comparison& comparison)
{
    const auto found = std::find_if(comparison.summary.begin(), comparison.summary.end(),
                                    [](const ComparisonRow& row) { return row.kind == RowKind::Latency && row.a && row.b; });
    return found == comparison.summary.end() ? nullptr : &*found;
}

std::string changeText(const StatisticChange& change, double p)
{
    return fmt::format("{} in A and {} in B, {} (95 % interval {}, {})", valueText(change.a, "ns"), valueText(change.b, "ns"),
                       percentText(change.ratio()), intervalText(change, "ns"), probabilityText(p));
}

std::vector<AskedChange> askAll(const ComparisonRow& latency, std::size_t comparisons)
{
    std::vector<AskedChange> asked;
    std::vector<double> pValues;
    for (const Statistic statistic : kAll)
        if (const auto& change = latency.statistics[statistic]) {
            asked.push_back({statistic, *change, 1});
            pValues.push_back(change->pValue);
        }
    correctByHolm(pValues);
    for (std::size_t i = 0; i < asked.size(); ++i)
        asked[i].p = std::min(1.0, kQuestions * static_cast<double>(comparisons) * pValues[i]);
    return asked;
}

std::string sentenceOf(const std::vector<AskedChange>& asked, const std::vector<AskedChange>& told, const std::string& of,
                       const ComparisonRow& latency)
{
    const AskedChange& first = told.empty() ? asked.front() : told.front();
    std::string text = fmt::format("{} latency{} {}", name(first.statistic), of, changeText(first.change, first.p));
    std::vector<std::string> others;
    for (const AskedChange& one : told)
        if (one.statistic != first.statistic)
            others.push_back(fmt::format("{} {}", name(one.statistic), percentText(one.change.ratio())));
    if (!others.empty())
        text += fmt::format("; {}", fmt::join(others, ", "));
    return text + fmt::format("; {} and {} requests", formatCount(latency.statistics.a.n), formatCount(latency.statistics.b.n));
}

ComparisonVerdict cannotSay(std::string reason)
{
    return {Verdict::CannotSay, std::move(reason), {}, {}};
}

ComparisonVerdict withoutLatency(const Comparison& comparison)
{
    const auto hasLatency = [&](auto side) {
        return std::any_of(comparison.summary.begin(), comparison.summary.end(),
                           [&](const ComparisonRow& row) { return row.kind == RowKind::Latency && (row.*side).has_value(); });
    };
    const bool inA = hasLatency(&ComparisonRow::a), inB = hasLatency(&ComparisonRow::b);
    if (inA && inB)
        return cannotSay("A and B have no model in common");
    return cannotSay(fmt::format("{} no complete requests", inA ? "B has" : inB ? "A has" : "A and B have"));
}

} // namespace

bool AskedChange::isTold() const
{
    return p < kAlpha && change.excludesNone() && std::abs(change.difference()) > kNegligible * std::abs(change.a);
}

const char* name(Verdict verdict)
{
    constexpr const char* kNames[] = {"same", "better", "worse", "cannot say"};
    return kNames[static_cast<int>(verdict)];
}

const char* headline(Verdict verdict)
{
    constexpr const char* kHeadlines[] = {"No significant change", "B is better", "B is worse", "Cannot say"};
    return kHeadlines[static_cast<int>(verdict)];
}

std::optional<std::string> comparedModel(const Comparison& comparison)
{
    const ComparisonRow* latency = latencyOf(comparison);
    return latency ? std::optional(latency->model) : std::nullopt;
}

ComparisonVerdict verdictOf(const Comparison& comparison, std::size_t comparisons)
{
    const ComparisonRow* latency = latencyOf(comparison);
    if (!latency)
        return withoutLatency(comparison);
    const std::string of = latency->model.empty() ? std::string() : " of " + latency->model;
    const std::size_t x = latency->statistics.a.n, y = latency->statistics.b.n;
    if (x < kFewestRequests || y < kFewestRequests)
        return cannotSay(
            fmt::format("A has {} complete requests{} and B {}; {} each are needed to compare latency", x, of, y, kFewestRequests));
    const std::vector<AskedChange> asked = askAll(*latency, comparisons);
    if (asked.empty())
        return cannotSay(fmt::format("all requests{} came in so short a part of the window that nothing tells what they vary by", of));
    std::vector<AskedChange> worse, better;
    std::copy_if(asked.begin(), asked.end(), std::back_inserter(worse), [](const AskedChange& one) { return one.isWorse(); });
    std::copy_if(asked.begin(), asked.end(), std::back_inserter(better), [](const AskedChange& one) { return one.isBetter(); });
    if (!worse.empty()) {
        std::string reason = sentenceOf(asked, worse, of, *latency);
        if (!better.empty())
            reason += fmt::format("; but {} is better: {}", name(better.front().statistic), percentText(better.front().change.ratio()));
        return {Verdict::Worse, std::move(reason), latency->model, asked};
    }
    if (!better.empty())
        return {Verdict::Better, sentenceOf(asked, better, of, *latency), latency->model, asked};
    const StatisticChange& median = asked.front().change;
    const double size = std::abs(median.a);
    if (std::max(-median.low, median.high) > kTooWide * size)
        return {Verdict::CannotSay,
                "no significant change, but a large one could hide in what requests vary by: " + sentenceOf(asked, {}, of, *latency) +
                    "; longer windows tell more",
                latency->model, asked};
    return {Verdict::Same, sentenceOf(asked, {}, of, *latency), latency->model, asked};
}

} // namespace gantry::analysis
