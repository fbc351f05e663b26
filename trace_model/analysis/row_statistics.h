#pragma once

#include "trace_model/analysis/block_test.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

namespace gantry::analysis {

/// What of a distribution is compared.
enum class Statistic : std::uint8_t
{
    Mean,
    Median,
    P95,
    P99,
};
inline constexpr int kStatisticCount = 4;

/// "mean", "median", "p95", "p99": as in expressions and JSON.
[[nodiscard]] std::string_view name(Statistic statistic);

/// What was measured of one thing on one side: values, each with the block of time that it began in.
struct BlockedValues
{
    std::vector<double> value;
    std::vector<std::uint16_t> block;

    void add(double what, std::size_t itsBlock)
    {
        value.push_back(what);
        block.push_back(static_cast<std::uint16_t>(itsBlock));
    }
    [[nodiscard]] std::size_t size() const { return value.size(); }
};

/// One side of a row. n 0: the others mean nothing.
struct RowSide
{
    std::size_t n = 0;
    std::array<double, kStatisticCount> at{}; ///< by Statistic; percentiles are nearest-rank
    double total = 0;
    std::vector<float> shape; ///< up to kShapePoints of its values, smallest first, evenly by rank: what a picture is drawn of

    [[nodiscard]] double operator[](Statistic statistic) const { return at[static_cast<std::size_t>(statistic)]; }
};
inline constexpr std::size_t kShapePoints = 400;

/// How a statistic changed from A to B, and how sure that is.
struct StatisticChange
{
    double a = 0, b = 0;
    double low = 0, high = 0;  ///< the 95 % confidence interval of b - a
    double pValue = 1;         ///< before any correction for how much was asked

    [[nodiscard]] double difference() const { return b - a; }
    [[nodiscard]] std::optional<double> ratio() const; ///< (b - a) / a; absent: a is 0
    /// Whether the interval leaves out that there is no difference.
    [[nodiscard]] bool excludesNone() const { return low > 0 || high < 0; }
};

struct RowStatistics
{
    RowSide a, b;
    /// By Statistic. Absent: a side has too little to tell.
    std::array<std::optional<StatisticChange>, kStatisticCount> changes;

    [[nodiscard]] const std::optional<StatisticChange>& operator[](Statistic s) const { return changes[static_cast<std::size_t>(s)]; }
};

/// How many values of a side, at least, a percentile is compared of: as many as have five beyond it on average.
[[nodiscard]] std::size_t fewestFor(Statistic statistic);

/// Compares the values of both sides, each statistic by itself, by their blocks (testBlocks). A percentile is tested by how much of each
/// side lies beyond that percentile of both together; its interval is Woodruff's: that of the share beyond it, read off the values. O(n log
/// n). `stop` is looked at at least every 100 ms of work: what comes of it then means nothing.
[[nodiscard]] RowStatistics compareValues(const BlockedValues& a, const BlockedValues& b, const ResamplingPlan& plan,
                                          const std::stop_token& stop = {});

/// The same of what is a sum over a weight in each block, of which there is a mean alone.
[[nodiscard]] RowStatistics compareSums(const BlockSums& a, const BlockSums& b, const ResamplingPlan& plan);

} // namespace gantry::analysis
