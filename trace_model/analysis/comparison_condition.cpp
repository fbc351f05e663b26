#include "trace_model/analysis/comparison_condition.h"

#include "trace_model/analysis/change_text.h"
#include "trace_model/analysis/comparison_verdict.h"
#include "trace_model/base/nearest_words.h"
#include "trace_model/base/quantity_text.h"
#include "trace_model/records/request_phase.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <re2/re2.h>
#include <set>
#include <tuple>

namespace gantry::analysis {
namespace {

constexpr std::string_view kPossible =
    "possible are p99>+5%, p50>+2ms, mean, p95, phase:queue:p95>+1ms, kernel:gemm.*:median>+10% (memcpy, api, nvtx, execution, batch, gpu, gap and "
    "metric likewise) and throughput<-5%";

Error wrong(std::string_view text, const std::string& what)
{
    return {ErrorCode::BadInput, fmt::format("'{}' is no condition: {}; {}", text, what, kPossible), {}};
}

std::optional<Statistic> statisticOf(std::string_view word)
{
    if (word == "p50")
        return Statistic::Median;
    for (int i = 0; i < kStatisticCount; ++i)
        if (word == name(static_cast<Statistic>(i)))
            return static_cast<Statistic>(i);
    return {};
}

constexpr int kKindCount = static_cast<int>(RowKind::Metric) + 1;

std::optional<RowKind> kindOf(std::string_view word)
{
    for (int i = 0; i < kKindCount; ++i)
        if (word == name(static_cast<RowKind>(i)))
            return static_cast<RowKind>(i);
    return {};
}

/// Sums over weights have a mean and nothing else.
bool hasMeanAlone(RowKind kind)
{
    return kind == RowKind::Throughput || kind == RowKind::Gpu || kind == RowKind::Stream;
}

Result<void> readStatistic(ComparisonCondition& condition, std::string_view word)
{
    const auto statistic = statisticOf(word);
    if (!statistic)
        return wrong(condition.text, fmt::format("'{}' is no statistic (mean, median or p50, p95, p99)", word));
    if (hasMeanAlone(condition.kind) && *statistic != Statistic::Mean)
        return wrong(condition.text, fmt::format("{} has a mean alone", name(condition.kind)));
    condition.statistic = *statistic;
    return {};
}

Result<void> checkPattern(const ComparisonCondition& condition)
{
    const RE2 pattern(condition.pattern, RE2::Quiet);
    if (!pattern.ok())
        return wrong(condition.text, fmt::format("'{}' is no regular expression ({})", condition.pattern, pattern.error()));
    if (condition.kind != RowKind::Phase)
        return {};
    std::vector<std::string> phases;
    for (int i = 0; i <= records::kRequestPhaseCount; ++i)
        phases.emplace_back(records::name(static_cast<records::RequestPhase>(i)));
    if (std::any_of(phases.begin(), phases.end(), [&](const std::string& phase) { return RE2::PartialMatch(phase, pattern); }))
        return {};
    return wrong(condition.text, fmt::format("no phase is called '{}' ({})", condition.pattern, fmt::join(phases, ", ")));
}

/// What stands before the comparison sign.
Result<void> readSubject(ComparisonCondition& condition, std::string_view subject)
{
    const std::size_t first = subject.find(':');
    if (first == std::string_view::npos) {
        if (subject == name(RowKind::Throughput)) {
            condition.kind = RowKind::Throughput;
            return {};
        }
        return readStatistic(condition, subject);
    }
    const auto kind = kindOf(subject.substr(0, first));
    if (!kind)
        return wrong(condition.text, fmt::format("'{}' is nothing that is compared", subject.substr(0, first)));
    condition.kind = *kind;
    // Names of kernels have colons in them: the statistic is behind the last one.
    const std::size_t last = subject.rfind(':');
    condition.pattern = last > first ? std::string(subject.substr(first + 1, last - first - 1)) : std::string();
    GANTRY_CHECK(checkPattern(condition));
    return readStatistic(condition, subject.substr(last + 1));
}

Result<void> readLimit(ComparisonCondition& condition, std::string_view limit)
{
    const char sign = !limit.empty() && (limit.front() == '+' || limit.front() == '-') ? limit.front() : '\0';
    const std::string_view amount = limit.substr(sign == '\0' ? 0 : 1);
    if (sign == (condition.isAbove ? '-' : '+') || (sign == '\0' && !condition.isAbove))
        return wrong(condition.text, "a limit is a change that would be too much: '>+5%' for what may not grow, '<-5%' for what may not shrink");
    double value = 0;
    const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(amount.data() + amount.size() - end));
    if (error != std::errc() || !std::isfinite(value) || value < 0)
        return wrong(condition.text, fmt::format("'{}' is no limit", limit));
    if (unit == "%") {
        value /= 100;
    } else if (const auto nanoseconds = nanosecondsOf(amount)) {
        value = *nanoseconds;
        condition.isTime = true;
        condition.isShare = false;
    } else if (unit.empty() && (condition.kind == RowKind::Batch || condition.kind == RowKind::Metric || hasMeanAlone(condition.kind))) {
        condition.isShare = false;
    } else {
        return wrong(condition.text, fmt::format("'{}' needs a unit: %, ns, us, ms or s", limit));
    }
    condition.limit = condition.isAbove ? value : -value;
    return {};
}

bool isAbout(const ComparisonCondition& condition, const RE2& pattern, const std::string& model, const ComparisonRow& row)
{
    if (row.kind != condition.kind)
        return false;
    if (row.kind == RowKind::Latency)
        return condition.pattern.empty() ? row.model == model : RE2::PartialMatch(row.model, pattern);
    return condition.pattern.empty() || RE2::PartialMatch(row.subject, pattern) || RE2::PartialMatch(row.model + ' ' + row.subject, pattern);
}

/// Rows that a condition is about, each thing once.
std::vector<const ComparisonRow*> rowsOf(const ComparisonCondition& condition, const Comparison& comparison)
{
    const std::string model = comparedModel(comparison).value_or(std::string());
    const RE2 pattern(condition.pattern, RE2::Quiet);
    std::set<std::tuple<std::string, std::string>> seen;
    std::vector<const ComparisonRow*> rows;
    for (const ComparisonRow* row : comparison.rows())
        if (isAbout(condition, pattern, model, *row) && seen.emplace(row->model, row->subject).second)
            rows.push_back(row);
    return rows;
}

bool isBeyond(const ComparisonCondition& condition, const StatisticChange& change)
{
    double amount = change.difference();
    if (condition.isShare) {
        if (change.a == 0) // a share of nothing: any growth is more than it
            return condition.isAbove ? amount > 0 : amount < 0;
        amount /= std::abs(change.a);
    }
    return condition.isAbove ? amount > condition.limit : amount < condition.limit;
}

std::string describe(const ComparisonRow& row, Statistic statistic, double p)
{
    const StatisticChange& change = *row.statistics[statistic];
    return fmt::format("{}{}{} of {}: {} in A and {} in B, {} (95 % interval {}, {})", row.model, row.model.empty() ? "" : " ", name(statistic), row.subject,
                       valueText(change.a, row.unit), valueText(change.b, row.unit), percentText(change.ratio()), intervalText(change, row.unit),
                       probabilityText(p));
}

std::string whyNothing(const ComparisonCondition& condition, const std::vector<const ComparisonRow*>& rows)
{
    if (rows.empty())
        return fmt::format("neither report has a {} that it is about", name(condition.kind));
    if (const ComparisonRow& first = *rows.front(); !first.a || !first.b)
        return fmt::format("{} is in {} alone", first.subject, first.a ? "A" : first.b ? "B" : "neither, not even one");
    return fmt::format("too few of {} for {} ({} in A, {} in B)", rows.front()->subject, name(condition.statistic), rows.front()->countA.value_or(0),
                       rows.front()->countB.value_or(0));
}

} // namespace

Result<ComparisonCondition> parseCondition(std::string_view text)
{
    ComparisonCondition condition;
    condition.text = text;
    // Patterns may have these signs too: the comparison is the last one.
    const std::size_t sign = text.find_last_of("<>");
    if (sign == std::string_view::npos)
        return wrong(text, "it has neither > nor <");
    if (sign == 0)
        return wrong(text, "nothing stands before the sign");
    condition.isAbove = text[sign] == '>';
    GANTRY_CHECK(readSubject(condition, text.substr(0, sign)));
    GANTRY_CHECK(readLimit(condition, text.substr(sign + 1)));
    return condition;
}

ConditionResult evaluate(const ComparisonCondition& condition, const Comparison& comparison)
{
    const std::vector<const ComparisonRow*> rows = rowsOf(condition, comparison);
    std::vector<const ComparisonRow*> known;
    std::vector<double> pValues;
    for (const ComparisonRow* row : rows)
        if (const auto& change = row->statistics[condition.statistic]) {
            known.push_back(row);
            pValues.push_back(change->pValue);
        }
    if (known.empty())
        return {ConditionOutcome::CannotSay, whyNothing(condition, rows)};
    if (condition.isTime && known.front()->unit != "ns")
        return {ConditionOutcome::CannotSay, fmt::format("{} is in {}, not a time", known.front()->subject, known.front()->unit)};
    correctByHolm(pValues);
    const auto worse = [&](const ComparisonRow* x, const ComparisonRow* y) {
        const double a = x->statistics[condition.statistic]->ratio().value_or(0), b = y->statistics[condition.statistic]->ratio().value_or(0);
        return condition.isAbove ? a < b : a > b;
    };
    std::optional<std::size_t> chance;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (!isBeyond(condition, *known[i]->statistics[condition.statistic]))
            continue;
        if (pValues[i] < kAlpha && known[i]->statistics[condition.statistic]->excludesNone())
            return {ConditionOutcome::Holds, describe(*known[i], condition.statistic, pValues[i])};
        chance = chance.value_or(i);
    }
    if (chance)
        return {ConditionOutcome::DoesNotHold, "beyond the limit, but no significant change: " + describe(*known[*chance], condition.statistic, pValues[*chance])};
    const auto furthest = std::max_element(known.begin(), known.end(), worse);
    return {ConditionOutcome::DoesNotHold,
            describe(**furthest, condition.statistic, pValues[static_cast<std::size_t>(furthest - known.begin())])};
}

} // namespace gantry::analysis
