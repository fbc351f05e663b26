#include "trace_model/analysis/grouped_durations.h"

#include "trace_model/base/parallel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace gantry::analysis {
namespace {

constexpr std::size_t kTableEntries = std::size_t{1} << 18; // of counts, so many groups or so fine buckets: those in use stay in the cache
constexpr std::size_t kRunLength = 1024;                    // rows
constexpr std::size_t kFewRows = 4096;                      // below this sorting is as fast as counting

/// What a share's count of a bucket becomes for the second pass; else it is where in the wanted its next duration goes.
constexpr std::uint32_t kAllIsKnown = 0xFFFFFFFFu, kOnlyStepsAreUnknown = 0xFFFFFFFEu;

/// Buckets of durations, longer ones never before shorter ones: the upper bits of a logarithm that is cheap to take.
class Buckets
{
public:
    explicit Buckets(std::size_t groups)
    {
        while (m_mantissaBits > 0 && (groups << (6 + m_mantissaBits)) > kTableEntries)
            --m_mantissaBits;
    }
    [[nodiscard]] std::size_t count() const { return std::size_t{64} << m_mantissaBits; } ///< of 63 doublings
    [[nodiscard]] std::size_t of(DurationNs duration) const
    {
        return static_cast<std::uint32_t>(durationLogarithm(duration) - kLogarithmOfNone) >> (23 - m_mantissaBits);
    }
    /// The smallest logarithm of a duration in it.
    [[nodiscard]] std::int32_t startOf(std::size_t bucket) const
    {
        return kLogarithmOfNone + static_cast<std::int32_t>(bucket << (23 - m_mantissaBits));
    }

private:
    int m_mantissaBits = 6;
};

std::size_t rankOf(std::size_t count, double share) // nearest rank, from 0
{
    return static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(count)))) - 1;
}

/// A half of the selected rows.
struct Share
{
    struct Sums
    {
        DurationNs total = 0;
        DurationNs shortest = std::numeric_limits<DurationNs>::max();
        DurationNs longest = -1;
        std::uint32_t longestRow = 0;
    };
    std::size_t first = 0, end = 0;
    std::vector<std::uint32_t> counts; ///< by group and bucket; then what is to be done with its durations
    std::vector<Sums> sums;            ///< by group
    std::vector<std::uint64_t> bytes;
    std::vector<DurationHistogram> histograms; ///< by group: of buckets that are in more than one step
};

/// Of a group in all shares, what the first pass finds: what needs no order.
DurationGroup sumOf(std::span<const Share> shares, std::size_t group, const Buckets& buckets)
{
    DurationGroup result;
    Share::Sums sums;
    for (const Share& share : shares) {
        result.bytes += share.bytes[group];
        sums.total = addDurations(sums.total, share.sums[group].total);
        sums.shortest = std::min(sums.shortest, share.sums[group].shortest);
        if (share.sums[group].longest > sums.longest) {
            sums.longest = share.sums[group].longest;
            sums.longestRow = share.sums[group].longestRow;
        }
    }
    if (sums.longest < 0)
        return result; // an empty group
    result.duration.total = sums.total;
    result.duration.min = sums.shortest;
    result.duration.max = sums.longest;
    result.longestRow = sums.longestRow;
    for (const Share& share : shares)
        for (std::size_t bucket = buckets.of(sums.shortest); bucket <= buckets.of(sums.longest); ++bucket)
            result.duration.count += share.counts[group * buckets.count() + bucket];
    return result;
}

/// The order statistics and histograms of groups by counting: one pass counts each group's durations by bucket, another looks at those of
/// the few buckets that hold a wanted rank, in which alone the order is looked for, or that are in more than one step of the histogram.
class CountedShapes
{
public:
    /// `groups`: what the first pass has found.
    CountedShapes(std::span<Share> shares, std::span<DurationGroup> groups, const Buckets& buckets) : m_buckets(buckets)
    {
        std::uint32_t next = 0;
        for (std::size_t group = 0; group < groups.size(); ++group) {
            m_steps.emplace_back(DurationBounds{groups[group].duration.min, groups[group].duration.max});
            next = plan(shares, group, groups[group], next);
        }
        m_wanted.resize(next);
    }

    /// In the second pass, a duration of a bucket of which not all is known; `plan`: the share's for the bucket. Any thread, for its share.
    void take(Share& share, std::size_t group, DurationNs duration, std::uint32_t& plan)
    {
        ++share.histograms[group][m_steps[group].of(duration)];
        if (plan != kOnlyStepsAreUnknown)
            m_wanted[plan++] = duration;
    }

    /// Once the second pass is done: fills in what a group lacks.
    void fill(std::span<const Share> shares, std::size_t group, DurationGroup& into)
    {
        const std::size_t count = into.duration.count;
        if (count == 0)
            return;
        const std::array<std::pair<std::size_t, DurationNs*>, 3> ranks = {{{rankOf(count, 0.50), &into.duration.p50},
                                                                           {rankOf(count, 0.95), &into.duration.p95},
                                                                           {rankOf(count, 0.99), &into.duration.p99}}};
        for (const auto& [rank, value] : ranks) {
            const Stretch& stretch = *std::find_if(m_stretches[group].begin(), m_stretches[group].end(),
                                                   [rank = rank](const Stretch& s) { return rank < s.firstRank + s.count; });
            DurationNs* const first = m_wanted.begin() + stretch.start;
            std::nth_element(first, first + (rank - stretch.firstRank), first + stretch.count);
            *value = first[rank - stretch.firstRank];
        }
        for (const Share& share : shares)
            for (std::size_t step = 0; step < into.histogram.size(); ++step)
                into.histogram[step] += share.histograms[group][step];
    }

private:
    /// The durations of a bucket among the wanted ones.
    struct Stretch
    {
        std::size_t firstRank, count;
        std::uint32_t start;
    };

    /// What the second pass does with the group's buckets, whose wanted durations go to `next` on; returns where the next group's go.
    std::uint32_t plan(std::span<Share> shares, std::size_t group, DurationGroup& into, std::uint32_t next)
    {
        std::vector<Stretch>& stretches = m_stretches.emplace_back();
        const std::size_t count = into.duration.count;
        const std::array<std::size_t, 3> ranks = {rankOf(count, 0.50), rankOf(count, 0.95), rankOf(count, 0.99)};
        std::size_t rank = 0;
        for (std::size_t bucket = m_buckets.of(into.duration.min); rank < count; ++bucket) {
            const std::size_t at = group * m_buckets.count() + bucket;
            std::size_t inBucket = 0;
            for (const Share& share : shares)
                inBucket += share.counts[at];
            if (inBucket == 0)
                continue;
            const bool isWanted = std::any_of(ranks.begin(), ranks.end(), [&](std::size_t r) { return r >= rank && r < rank + inBucket; });
            const std::size_t step = m_steps[group].ofLogarithm(m_buckets.startOf(bucket));
            const bool isOfOneStep = step == m_steps[group].ofLogarithm(m_buckets.startOf(bucket + 1) - 1);
            if (isWanted)
                stretches.push_back({rank, inBucket, next});
            else if (isOfOneStep)
                into.histogram[step] += static_cast<std::uint32_t>(inBucket);
            for (Share& share : shares) {
                const std::uint32_t ofShare = std::exchange(share.counts[at], isWanted      ? next
                                                                              : isOfOneStep ? kAllIsKnown
                                                                                            : kOnlyStepsAreUnknown);
                next += isWanted ? ofShare : 0;
            }
            rank += inBucket;
        }
        return next;
    }

    Buckets m_buckets;
    std::vector<HistogramSteps> m_steps;           ///< by group
    std::vector<std::vector<Stretch>> m_stretches; ///< by group
    trace::Column<DurationNs> m_wanted;
};

/// The same for more groups than tables of counts have room for: durations of a group are put side by side and sorted.
template <typename DurationOf, typename GroupOf>
std::vector<DurationGroup> groupManyBy(DurationOf durationOf, GroupOf groupOf, const trace::RowSelection& rows, std::size_t groupCount,
                                       std::span<const std::uint64_t> bytes)
{
    std::vector<DurationGroup> result(groupCount);
    std::vector<std::uint32_t> next(groupCount + 2); // by group + 1: where it starts
    for (std::size_t i = 0; i < rows.size(); ++i)
        ++next[std::min(groupOf(rows[i]), groupCount) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    trace::Column<DurationNs> durations;
    durations.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::uint32_t row = rows[i];
        const std::size_t group = groupOf(row);
        const DurationNs duration = durationOf(row);
        durations[next[group]++] = duration;
        if (group == groupCount)
            continue;
        DurationGroup& into = result[group];
        into.bytes += bytes.empty() ? 0 : bytes[row];
        if (into.duration.count++ == 0 || duration > into.duration.max) {
            into.duration.max = duration;
            into.longestRow = row;
        }
    }
    for (std::size_t group = 0, start = 0; group < groupCount; start = next[group++]) {
        const std::span ofGroup(durations.begin() + start, durations.begin() + next[group]);
        result[group].duration = distributionOf({ofGroup.begin(), ofGroup.end()});
        result[group].histogram = durationHistogram(ofGroup, {result[group].duration.min, result[group].duration.max});
    }
    return result;
}

/// groupDurations() with durations as `durationOf(row)` and groups, or groupCount for none, as `groupOf(row)` gives them.
template <typename DurationOf, typename GroupOf>
std::vector<DurationGroup> groupBy(DurationOf durationOf, GroupOf groupOf, const trace::RowSelection& rows, std::size_t groupCount,
                                   std::span<const std::uint64_t> bytes)
{
    const auto eachRun = [&](const Share& share, auto take) { // of rows, first and end
        std::size_t i = share.first;
        for (; i < std::min(share.end, rows.early.size()); ++i)
            take(rows.early[i], rows.early[i] + 1);
        for (const std::size_t end = share.end; i < end; i += std::min(kRunLength, end - i))
            take(rows[i], rows[i] + static_cast<std::uint32_t>(std::min(kRunLength, end - i)));
    };
    const Buckets buckets(groupCount + 1);
    if ((groupCount + 1) * buckets.count() > kTableEntries)
        return groupManyBy(durationOf, groupOf, rows, groupCount, bytes);
    std::vector<Share> shares(rows.size() < kFewRows ? 1 : kWorkers);
    for (std::size_t i = 0; i < shares.size(); ++i)
        shares[i] = {rows.size() * i / shares.size(),
                     rows.size() * (i + 1) / shares.size(),
                     std::vector<std::uint32_t>((groupCount + 1) * buckets.count()),
                     std::vector<Share::Sums>(groupCount + 1),
                     std::vector<std::uint64_t>(groupCount + 1),
                     std::vector<DurationHistogram>(groupCount + 1)};
    const auto onEachShare = [&](auto work) {
        std::vector<std::function<void()>> tasks;
        for (Share& share : shares)
            tasks.emplace_back([&work, &share] { work(share); });
        inParallel(std::move(tasks));
    };
    onEachShare([&](Share& share) {
        // Local pointers: what is written in the loop could else be what they point to.
        eachRun(share, [groupOf, durationOf, buckets, width = buckets.count(), counts = share.counts.data(),
                        sums = share.sums.data()](std::uint32_t row, std::uint32_t end) {
            for (; row < end; ++row) {
                const std::size_t group = groupOf(row);
                const DurationNs duration = durationOf(row);
                ++counts[group * width + buckets.of(duration)];
                Share::Sums& sum = sums[group];
                sum.total = addDurations(sum.total, duration);
                if (duration < sum.shortest)
                    sum.shortest = duration;
                if (duration > sum.longest) {
                    sum.longest = duration;
                    sum.longestRow = row;
                }
            }
        });
        if (!bytes.empty())
            eachRun(share, [&](std::uint32_t row, std::uint32_t end) {
                for (; row < end; ++row)
                    share.bytes[groupOf(row)] += bytes[row];
            });
    });
    std::vector<DurationGroup> result(groupCount);
    for (std::size_t group = 0; group < groupCount; ++group)
        result[group] = sumOf(shares, group, buckets);
    CountedShapes shapes(shares, result, buckets);
    for (Share& share : shares)
        std::fill(share.counts.begin() + static_cast<std::ptrdiff_t>(groupCount * buckets.count()), share.counts.end(), kAllIsKnown);
    onEachShare([&](Share& share) {
        eachRun(share, [&, groupOf, durationOf, buckets, width = buckets.count(), plan = share.counts.data()](std::uint32_t row,
                                                                                                              std::uint32_t end) {
            const auto planOf = [&](std::uint32_t r) { return plan + groupOf(r) * width + buckets.of(durationOf(r)); };
            // Which rows are taken is past predicting, so they are put aside without a branch.
            std::array<std::uint32_t, kRunLength> aside;
            std::size_t count = 0;
            for (; row < end; ++row) {
                aside[count] = row;
                count += *planOf(row) != kAllIsKnown;
            }
            for (const std::uint32_t r : std::span(aside).first(count))
                shapes.take(share, groupOf(r), durationOf(r), *planOf(r));
        });
    });
    for (std::size_t group = 0; group < groupCount; ++group)
        shapes.fill(shares, group, result[group]);
    return result;
}

} // namespace

Distribution distributionOfMany(std::span<const DurationNs> durations)
{
    if (durations.size() < kFewRows)
        return distributionOf({durations.begin(), durations.end()});
    const trace::RowSelection all{{}, 0, static_cast<std::uint32_t>(durations.size())};
    return groupBy([durations](std::uint32_t row) { return durations[row]; }, [](std::uint32_t) { return std::size_t{0}; }, all, 1, {})
        .front()
        .duration;
}

std::vector<DurationGroup> groupDurations(const trace::EventColumns& columns, const trace::RowSelection& rows,
                                          const trace::Column<std::uint32_t>& numbers, std::span<const std::uint32_t> groups,
                                          std::size_t groupCount, std::span<const std::uint64_t> bytes)
{
    if (rows.size() == 0)
        return std::vector<DurationGroup>(groupCount);
    const auto groupOf = [numbers = numbers.data(), groups, groupCount](std::uint32_t row) {
        const std::uint32_t number = numbers[row];
        return number < groups.size() ? std::size_t{groups[number]} : groupCount;
    };
    if (columns.longDurations.empty())
        return groupBy([durations = columns.shortDuration.data()](std::uint32_t row) { return DurationNs{durations[row]}; }, groupOf, rows,
                       groupCount, bytes);
    return groupBy([&columns](std::uint32_t row) { return columns.duration(row); }, groupOf, rows, groupCount, bytes);
}

} // namespace gantry::analysis
