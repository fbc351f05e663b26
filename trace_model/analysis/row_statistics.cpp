#include "trace_model/analysis/row_statistics.h"

#include "trace_model/base/stoppable.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gantry::analysis {
namespace {

constexpr std::array kQuantiles = {Statistic::Median, Statistic::P95, Statistic::P99};

double shareOf(Statistic statistic)
{
    return statistic == Statistic::P99 ? 0.99 : statistic == Statistic::P95 ? 0.95 : 0.5;
}

double atRank(const std::vector<double>& sorted, double share)
{
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::clamp(rank, 1.0, static_cast<double>(sorted.size()))) - 1];
}

/// Stopped, the order is any.
std::vector<double> sortedValues(const BlockedValues& values, const std::stop_token& stop)
{
    std::vector<double> sorted = values.value;
    sortUnlessStopped(sorted.begin(), sorted.end(), stop);
    return sorted;
}

RowSide sideOf(const std::vector<double>& sorted)
{
    RowSide side;
    side.n = sorted.size();
    if (sorted.empty())
        return side;
    side.total = std::accumulate(sorted.begin(), sorted.end(), 0.0);
    side.at = {side.total / static_cast<double>(side.n), atRank(sorted, 0.5), atRank(sorted, 0.95), atRank(sorted, 0.99)};
    const std::size_t points = std::min(side.n, kShapePoints);
    for (std::size_t i = 0; i < points; ++i)
        side.shape.push_back(static_cast<float>(sorted[(2 * i + 1) * side.n / (2 * points)]));
    return side;
}

BlockSums sumsOf(const BlockedValues& values, std::size_t blocks)
{
    BlockSums sums(blocks);
    for (std::size_t i = 0; i < values.size(); ++i)
        sums.add(values.block[i], values.value[i]);
    return sums;
}

/// How much of each block lies beyond a limit; what is equal to it lies half beyond.
BlockSums beyond(const BlockedValues& values, double limit, std::size_t blocks, const std::stop_token& stop)
{
    BlockSums sums(blocks);
    const StopCheck isStopped(stop);
    for (std::size_t i = 0; i < values.size() && !isStopped(i); ++i)
        sums.add(values.block[i], values.value[i] > limit ? 1 : values.value[i] == limit ? 0.5 : 0);
    return sums;
}

/// The percentile of that share of both sides together, found by halving: neither is copied.
double pooledQuantile(const std::vector<double>& a, const std::vector<double>& b, double share)
{
    std::size_t rank = static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(a.size() + b.size())))) - 1;
    std::size_t i = 0, j = 0;
    while (true) {
        if (i == a.size() || j == b.size())
            return i == a.size() ? b[j + rank] : a[i + rank];
        if (rank == 0)
            return std::min(a[i], b[j]);
        const std::size_t half = (rank + 1) / 2;
        const std::size_t nextA = std::min(half, a.size() - i), nextB = std::min(half, b.size() - j);
        if (a[i + nextA - 1] <= b[j + nextB - 1]) {
            i += nextA;
            rank -= nextA;
        } else {
            j += nextB;
            rank -= nextB;
        }
    }
}

struct Interval
{
    double low = 0, high = 0;
};

/// Woodruff's interval of a side's percentile: the share beyond it is a mean, whose error the blocks tell.
Interval quantileInterval(const BlockedValues& values, const std::vector<double>& sorted, double share, std::size_t blocks,
                          const std::stop_token& stop)
{
    const BlockError error = errorOf(beyond(values, atRank(sorted, share), blocks, stop));
    // No error of the share may be smaller than that of independent values.
    const double independent = std::sqrt(share * (1 - share) / static_cast<double>(sorted.size()));
    const double width = studentQuantile(0.95, std::max(error.effectiveBlocks - 1, 1.0)) * std::max(error.standardError, independent);
    return {atRank(sorted, share - width), atRank(sorted, share + width)};
}

/// What cannot be less than nothing cannot fall by more than there is.
void keepPossible(StatisticChange& change, bool isNeverNegative)
{
    if (isNeverNegative)
        change.low = std::max(change.low, -change.a);
}

std::optional<StatisticChange> quantileChange(const BlockedValues& a, const BlockedValues& b, const std::vector<double>& sortedA,
                                              const std::vector<double>& sortedB, Statistic statistic, const ResamplingPlan& plan,
                                              const std::stop_token& stop)
{
    if (std::min(a.size(), b.size()) < fewestFor(statistic))
        return {};
    const double share = shareOf(statistic), pooled = pooledQuantile(sortedA, sortedB, share);
    const auto test = testBlocks(beyond(a, pooled, plan.blocks(0), stop), beyond(b, pooled, plan.blocks(1), stop), plan);
    if (!test || stop.stop_requested())
        return {};
    StatisticChange change{atRank(sortedA, share), atRank(sortedB, share), 0, 0, test->pValue};
    const Interval x = quantileInterval(a, sortedA, share, plan.blocks(0), stop),
                   y = quantileInterval(b, sortedB, share, plan.blocks(1), stop);
    // The interval of a difference from those of its parts (MOVER): they need not be symmetric.
    const double difference = change.difference();
    change.low = difference - std::hypot(change.b - y.low, x.high - change.a);
    change.high = difference + std::hypot(y.high - change.b, change.a - x.low);
    keepPossible(change, sortedA.front() >= 0 && sortedB.front() >= 0);
    return change;
}

} // namespace

std::string_view name(Statistic statistic)
{
    constexpr std::string_view kNames[] = {"mean", "median", "p95", "p99"};
    return kNames[static_cast<int>(statistic)];
}

std::optional<double> StatisticChange::ratio() const
{
    return a != 0 ? std::optional(difference() / a) : std::nullopt;
}

std::size_t fewestFor(Statistic statistic)
{
    constexpr double kBeyond = 5;
    return statistic == Statistic::Mean ? 5 : static_cast<std::size_t>(std::lround(kBeyond / (1 - shareOf(statistic))));
}

RowStatistics compareValues(const BlockedValues& a, const BlockedValues& b, const ResamplingPlan& plan, const std::stop_token& stop)
{
    RowStatistics row;
    const std::vector<double> sortedA = sortedValues(a, stop), sortedB = sortedValues(b, stop);
    if (stop.stop_requested())
        return row;
    row.a = sideOf(sortedA);
    row.b = sideOf(sortedB);
    if (std::min(a.size(), b.size()) < fewestFor(Statistic::Mean))
        return row;
    if (const auto test = testBlocks(sumsOf(a, plan.blocks(0)), sumsOf(b, plan.blocks(1)), plan))
        row.changes[static_cast<std::size_t>(Statistic::Mean)] =
            StatisticChange{row.a[Statistic::Mean], row.b[Statistic::Mean], test->low, test->high, test->pValue};
    if (auto& mean = row.changes[static_cast<std::size_t>(Statistic::Mean)])
        keepPossible(*mean, sortedA.front() >= 0 && sortedB.front() >= 0);
    for (const Statistic statistic : kQuantiles) {
        if (stop.stop_requested())
            break;
        row.changes[static_cast<std::size_t>(statistic)] = quantileChange(a, b, sortedA, sortedB, statistic, plan, stop);
    }
    return row;
}

RowStatistics compareSums(const BlockSums& a, const BlockSums& b, const ResamplingPlan& plan)
{
    RowStatistics row;
    const auto fill = [](RowSide& side, const BlockSums& sums) {
        if (const auto mean = sums.mean()) {
            side.n = sums.filled();
            side.at.fill(*mean);
            side.total = std::accumulate(sums.sum.begin(), sums.sum.end(), 0.0);
        }
    };
    fill(row.a, a);
    fill(row.b, b);
    if (const auto test = testBlocks(a, b, plan))
        row.changes[static_cast<std::size_t>(Statistic::Mean)] = StatisticChange{*a.mean(), *b.mean(), test->low, test->high, test->pValue};
    if (auto& mean = row.changes[static_cast<std::size_t>(Statistic::Mean)]) {
        const auto isNeverNegative = [](const BlockSums& sums) {
            return std::all_of(sums.sum.begin(), sums.sum.end(), [](double sum) { return sum >= 0; });
        };
        keepPossible(*mean, isNeverNegative(a) && isNeverNegative(b));
    }
    return row;
}

} // namespace gantry::analysis
