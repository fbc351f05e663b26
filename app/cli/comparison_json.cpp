#include "app/cli/comparison_json.h"

#include <cmath>
#include <optional>

namespace gantry::cli {
namespace {

using analysis::ComparisonRow;
using analysis::Statistic;

/// Null where there is none, or where it is no number.
nlohmann::json orNull(const std::optional<double>& value)
{
    return value && std::isfinite(*value) ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json orNull(const std::optional<std::size_t>& value)
{
    return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json sideOf(const analysis::RowSide& side)
{
    if (side.n == 0)
        return {};
    return {{"n", side.n}, {"mean", side[Statistic::Mean]}, {"median", side[Statistic::Median]}, {"p95", side[Statistic::P95]}, {"p99", side[Statistic::P99]}};
}

nlohmann::json changesOf(const analysis::RowStatistics& statistics)
{
    nlohmann::json changes = nlohmann::json::object();
    for (int i = 0; i < analysis::kStatisticCount; ++i) {
        const auto statistic = static_cast<Statistic>(i);
        if (const auto& change = statistics[statistic])
            changes[std::string(name(statistic))] = {{"difference", change->difference()}, {"ratio", orNull(change->ratio())}, {"low", change->low},
                                                     {"high", change->high},               {"p_value", change->pValue}};
    }
    return changes;
}

nlohmann::json rowOf(const ComparisonRow& row)
{
    const auto& change = row.change();
    return {{"name", row.name},
            {"unit", row.unit},
            {"a", orNull(row.a)},
            {"b", orNull(row.b)},
            {"count_a", orNull(row.countA)},
            {"count_b", orNull(row.countB)},
            {"difference", orNull(row.difference())},
            {"ratio", orNull(row.ratio())},
            {"kind", name(row.kind)},
            {"model", row.model.empty() ? nlohmann::json() : nlohmann::json(row.model)},
            {"subject", row.subject},
            {"statistic", name(row.statistic)},
            {"distribution_a", sideOf(row.statistics.a)},
            {"distribution_b", sideOf(row.statistics.b)},
            {"changes", changesOf(row.statistics)},
            {"difference_low", orNull(change ? std::optional(change->low) : std::nullopt)},
            {"difference_high", orNull(change ? std::optional(change->high) : std::nullopt)},
            {"p_value", orNull(change ? std::optional(change->pValue) : std::nullopt)},
            {"p_value_corrected", orNull(row.correctedP)},
            {"judgement", row.judgement()}};
}

nlohmann::json rowsOf(const std::vector<ComparisonRow>& rows)
{
    nlohmann::json document = nlohmann::json::array();
    for (const ComparisonRow& row : rows)
        document.push_back(rowOf(row));
    return document;
}

nlohmann::json waterfallOf(const std::optional<analysis::LatencyWaterfall>& waterfall)
{
    if (!waterfall)
        return {};
    using Of = analysis::WaterfallStep::Of;
    constexpr const char* kWords[] = {"phase", "kernel", "memcpy", "other", "gap"};
    nlohmann::json steps = nlohmann::json::array();
    for (const analysis::WaterfallStep& step : waterfall->steps)
        steps.push_back({{"name", step.name},
                         {"kind", kWords[static_cast<int>(step.of)]},
                         {"inside", step.of == Of::Phase ? nlohmann::json() : nlohmann::json(step.phase)},
                         {"a_ns", step.a},
                         {"b_ns", step.b},
                         {"contribution_ns", step.contribution()}});
    return {{"model", waterfall->model}, {"requests_a", waterfall->requests[0]},          {"requests_b", waterfall->requests[1]}, {"a_ns", waterfall->a},
            {"b_ns", waterfall->b},      {"difference_ns", waterfall->b - waterfall->a}, {"steps", steps}};
}

/// What of both was compared; null: all.
nlohmann::json alignmentOf(const std::optional<analysis::AlignedWindows>& aligned)
{
    if (!aligned)
        return {};
    constexpr const char* kWords[] = {"start", "request", "range", "iteration", "hand"};
    const auto window = [](TimeRange time) { return nlohmann::json{time.start, time.end}; };
    return {{"by", kWords[static_cast<int>(aligned->by.by)]},
            {"window_a_ns", window(aligned->windows[0])},
            {"window_b_ns", window(aligned->windows[1])},
            {"iterations", aligned->iterations > 0 ? nlohmann::json(aligned->iterations) : nlohmann::json()},
            {"sentence", aligned->sentence}};
}

nlohmann::json conditionsOf(const std::vector<CheckedCondition>& conditions)
{
    constexpr const char* kWords[] = {"holds", "does not hold", "cannot say"};
    nlohmann::json document = nlohmann::json::array();
    for (const CheckedCondition& one : conditions)
        document.push_back({{"expression", one.condition.text}, {"outcome", kWords[static_cast<int>(one.result.outcome)]}, {"reason", one.result.reason}});
    return document;
}

} // namespace

nlohmann::json toJson(const ComparisonReport& report)
{
    const analysis::Comparison& c = report.comparison;
    nlohmann::json circumstances = nlohmann::json::array(), leading = nlohmann::json::array();
    for (const analysis::CircumstanceChange& change : c.circumstances)
        circumstances.push_back({{"name", change.name}, {"a", change.a}, {"b", change.b}});
    constexpr const char* kOf[] = {"circumstance", "work", "waiting"};
    for (const analysis::LeadingChange& change : c.leading)
        leading.push_back({{"name", change.name}, {"kind", kOf[static_cast<int>(change.of)]}, {"sentence", change.sentence}});
    return {{"verdict", name(c.verdict.verdict)},
            {"reason", c.verdict.reason},
            {"a", report.nameA},
            {"b", report.nameB},
            {"conditions", conditionsOf(report.conditions)},
            {"alignment", alignmentOf(c.aligned)},
            {"limits", c.limits},
            {"changed", circumstances},
            {"leading", leading},
            {"waterfall", waterfallOf(c.waterfall)},
            {"correction", "Holm"},
            {"rows_tested", c.rowsTested},
            {"summary", rowsOf(c.summary)},
            {"phases", rowsOf(c.phases)},
            {"executions", rowsOf(c.executions)},
            {"gpu", rowsOf(c.gpu)},
            {"streams", rowsOf(c.streams)},
            {"kernels", rowsOf(c.kernels)},
            {"memcpys", rowsOf(c.memcpys)},
            {"api_calls", rowsOf(c.apiCalls)},
            {"nvtx_ranges", rowsOf(c.nvtxRanges)},
            {"metrics", rowsOf(c.metrics)}};
}

} // namespace gantry::cli
