#include "trace_model/analysis/leading_changes.h"

#include "trace_model/analysis/change_text.h"
#include "trace_model/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace gantry::analysis {
namespace {

using Of = LeadingChange::Of;

std::string sentenceOf(const ComparisonRow& row)
{
    const StatisticChange& change = *row.change();
    return fmt::format("{}{}: {} in A and {} in B, {} (95 % interval {}, {})", row.name, row.statistic == Statistic::Mean && row.unit == "ns" ? ", mean" : "",
                       valueText(change.a, row.unit), valueText(change.b, row.unit), percentText(change.ratio()), intervalText(change, row.unit),
                       probabilityText(row.correctedP.value_or(1)));
}

/// Time that the change of a row makes in a window as long as that of the shorter side: calls times the difference of their mean.
double weightOf(const ComparisonRow& row)
{
    return std::abs(row.difference().value_or(0)) * static_cast<double>(std::min(row.countA.value_or(0), row.countB.value_or(0)));
}

bool isWork(const ComparisonRow& row)
{
    return row.kind == RowKind::Kernel || row.kind == RowKind::Memcpy;
}

/// Latency and throughput are what is explained, and metrics are how; neither is an explanation. What streams do is said by the work on
/// them.
bool isExplanation(const ComparisonRow& row)
{
    return row.kind != RowKind::Latency && row.kind != RowKind::Throughput && row.kind != RowKind::Execution &&
           row.kind != RowKind::Stream && row.kind != RowKind::Metric;
}

/// A kernel or copy that one side alone has and spends a twentieth of its work's time in.
void addOneSided(std::vector<LeadingChange>& changes, const Comparison& comparison)
{
    double totals[2] = {0, 0};
    for (const auto* rows : {&comparison.kernels, &comparison.memcpys})
        for (const ComparisonRow& row : *rows) {
            totals[0] += row.statistics.a.total;
            totals[1] += row.statistics.b.total;
        }
    constexpr double kMuch = 0.05;
    for (const auto* rows : {&comparison.memcpys, &comparison.kernels})
        for (const ComparisonRow& row : *rows)
            if (const bool isOfA = row.a.has_value(); isOfA != row.b.has_value()) {
                const RowSide& side = isOfA ? row.statistics.a : row.statistics.b;
                const double share = side.total / std::max(totals[isOfA ? 0 : 1], 1.0);
                if (share >= kMuch)
                    changes.push_back({Of::Work, row.name,
                                       fmt::format("{} is in {} alone: {} times, {:.0f} % of its GPU work's time", row.name, isOfA ? "A" : "B", side.n,
                                                   share * 100)});
            }
}

} // namespace

std::vector<LeadingChange> leadingChanges(const Comparison& comparison)
{
    std::vector<LeadingChange> changes;
    for (const CircumstanceChange& change : comparison.circumstances)
        changes.push_back({Of::Circumstance, change.name, sentenceOf(change)});
    std::vector<const ComparisonRow*> moved;
    for (const ComparisonRow* row : comparison.rows())
        if (row->isChanged() && isExplanation(*row))
            moved.push_back(row);
    std::stable_sort(moved.begin(), moved.end(), [](const ComparisonRow* x, const ComparisonRow* y) {
        return isWork(*x) != isWork(*y) ? isWork(*x) : weightOf(*x) > weightOf(*y);
    });
    const auto firstWaiting = std::find_if(moved.begin(), moved.end(), [](const ComparisonRow* row) { return !isWork(*row); });
    for (auto row = moved.begin(); row != firstWaiting; ++row)
        changes.push_back({Of::Work, (*row)->name, sentenceOf(**row)});
    addOneSided(changes, comparison);
    for (auto row = firstWaiting; row != moved.end(); ++row)
        changes.push_back({Of::Waiting, (*row)->name, sentenceOf(**row)});
    return changes;
}

} // namespace gantry::analysis
