#include "trace_model/analysis/grouped_durations.h"

#include "trace_model/base/parallel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace gantry::analysis {
namespace {

constexpr std::size_t kTableEntries = std::size_t{1} << 17; // of counts, so many groups or so fine buckets: they stay in the cache
constexpr std::size_t kFewRows = 4096;                      // below this sorting is as fast as counting
constexpr std::uint32_t kNotWanted = 0xFFFFFFFFu;

/// Buckets of durations, longer ones never before shorter ones. The upper bits of a float are such a number, and cheap to make.
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
        constexpr std::uint32_t kOne = std::bit_cast<std::uint32_t>(1.0F);
        return (std::bit_cast<std::uint32_t>(static_cast<float>(duration + 1)) - kOne) >> (23 - m_mantissaBits);
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
        DurationNs longest = -1;
        std::uint32_t longestRow = 0;
    };
    std::size_t first = 0, end = 0;
    std::vector<std::uint32_t> counts; ///< by group and bucket; then where in the wanted its next duration goes, or kNotWanted
    std::vector<Sums> sums;            ///< by group
    std::vector<std::uint64_t> bytes;
};

/// The order statistics of groups by counting: one pass counts each group's durations by bucket, another takes out those of the few
/// buckets that hold a wanted rank, in which alone the order is looked for.
class Percentiles
{
public:
    Percentiles(std::span<Share> shares, std::size_t groups, const Buckets& buckets) : m_buckets(buckets.count())
    {
        std::uint32_t next = 0;
        for (std::size_t group = 0; group < groups; ++group)
            next = want(shares, group, next);
        m_wanted.resize(next);
    }

    /// Where the wanted durations are put, as the shares' counts say.
    [[nodiscard]] DurationNs* wanted() { return m_wanted.begin(); }

    /// Once they all are: fills in what the distribution of a group lacks.
    void fill(std::size_t group, Distribution& into)
    {
        const std::size_t count = into.count;
        if (count == 0)
            return;
        const std::array<std::pair<std::size_t, DurationNs*>, 4> ranks = {
            {{0, &into.min}, {rankOf(count, 0.50), &into.p50}, {rankOf(count, 0.95), &into.p95}, {rankOf(count, 0.99), &into.p99}}};
        for (const auto& [rank, value] : ranks) {
            const Stretch& stretch = *std::find_if(m_stretches[group].begin(), m_stretches[group].end(),
                                                   [rank = rank](const Stretch& s) { return rank < s.firstRank + s.count; });
            DurationNs* const first = m_wanted.begin() + stretch.start;
            std::nth_element(first, first + (rank - stretch.firstRank), first + stretch.count);
            *value = first[rank - stretch.firstRank];
        }
    }

private:
    /// The durations of a bucket among the wanted ones.
    struct Stretch
    {
        std::size_t firstRank, count;
        std::uint32_t start;
    };

    std::uint32_t want(std::span<Share> shares, std::size_t group, std::uint32_t next)
    {
        const std::size_t first = group * m_buckets;
        std::size_t count = 0;
        for (const Share& share : shares)
            for (std::size_t bucket = 0; bucket < m_buckets; ++bucket)
                count += share.counts[first + bucket];
        std::vector<Stretch>& stretches = m_stretches.emplace_back();
        if (count == 0)
            return next;
        const std::array<std::size_t, 4> ranks = {0, rankOf(count, 0.50), rankOf(count, 0.95), rankOf(count, 0.99)};
        std::size_t rank = 0;
        for (std::size_t at = first; at < first + m_buckets; ++at) {
            std::size_t inBucket = 0;
            for (const Share& share : shares)
                inBucket += share.counts[at];
            const bool isWanted = std::any_of(ranks.begin(), ranks.end(), [&](std::size_t r) { return r >= rank && r < rank + inBucket; });
            if (isWanted)
                stretches.push_back({rank, inBucket, next});
            for (Share& share : shares) {
                const std::uint32_t ofShare = std::exchange(share.counts[at], isWanted ? next : kNotWanted);
                next += isWanted ? ofShare : 0;
            }
            rank += inBucket;
        }
        return next;
    }

    std::size_t m_buckets;
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
    for (std::size_t group = 0, start = 0; group < groupCount; start = next[group++])
        result[group].duration = distributionOf({durations.begin() + start, durations.begin() + next[group]});
    return result;
}

/// groupDurations() with durations as `durationOf(row)` and groups, or groupCount for none, as `groupOf(row)` gives them.
template <typename DurationOf, typename GroupOf>
std::vector<DurationGroup> groupBy(DurationOf durationOf, GroupOf groupOf, const trace::RowSelection& rows, std::size_t groupCount,
                                   std::span<const std::uint64_t> bytes)
{
    const auto eachRow = [&](const Share& share, auto take) {
        std::size_t i = share.first;
        for (; i < std::min(share.end, rows.early.size()); ++i)
            take(rows.early[i]);
        const std::uint32_t last = rows.first + static_cast<std::uint32_t>(share.end - rows.early.size());
        for (std::uint32_t row = i < share.end ? rows[i] : last; row < last && i < share.end; ++row)
            take(row);
    };
    const Buckets buckets(groupCount + 1);
    if ((groupCount + 1) * buckets.count() > kTableEntries)
        return groupManyBy(durationOf, groupOf, rows, groupCount, bytes);
    std::vector<Share> shares(rows.size() < kFewRows ? 1 : kWorkers);
    for (std::size_t i = 0; i < shares.size(); ++i)
        shares[i] = {rows.size() * i / shares.size(), rows.size() * (i + 1) / shares.size(),
                     std::vector<std::uint32_t>((groupCount + 1) * buckets.count()), std::vector<Share::Sums>(groupCount + 1),
                     std::vector<std::uint64_t>(groupCount + 1)};
    const auto onEachShare = [&](auto work) {
        std::vector<std::function<void()>> tasks;
        for (Share& share : shares)
            tasks.emplace_back([&work, &share] { work(share); });
        inParallel(std::move(tasks));
    };
    onEachShare([&](Share& share) {
        // Local pointers: what is written in the loop could else be what they point to.
        eachRow(share, [groupOf, durationOf, buckets, width = buckets.count(), counts = share.counts.data(),
                        sums = share.sums.data()](std::uint32_t row) {
            const std::size_t group = groupOf(row);
            const DurationNs duration = durationOf(row);
            ++counts[group * width + buckets.of(duration)];
            Share::Sums& sum = sums[group];
            sum.total += duration;
            if (duration > sum.longest) {
                sum.longest = duration;
                sum.longestRow = row;
            }
        });
        if (!bytes.empty())
            eachRow(share, [&](std::uint32_t row) { share.bytes[groupOf(row)] += bytes[row]; });
    });
    std::vector<DurationGroup> result(groupCount);
    for (std::size_t group = 0; group < groupCount; ++group) {
        DurationNs longest = -1;
        DurationGroup& into = result[group];
        for (const Share& share : shares) {
            for (std::size_t bucket = 0; bucket < buckets.count(); ++bucket)
                into.duration.count += share.counts[group * buckets.count() + bucket];
            into.duration.total += share.sums[group].total;
            into.bytes += share.bytes[group];
            if (share.sums[group].longest > longest) {
                longest = share.sums[group].longest;
                into.duration.max = longest;
                into.longestRow = share.sums[group].longestRow;
            }
        }
    }
    Percentiles percentiles(shares, groupCount, buckets);
    for (Share& share : shares)
        std::fill(share.counts.begin() + static_cast<std::ptrdiff_t>(groupCount * buckets.count()), share.counts.end(), kNotWanted);
    onEachShare([&](Share& share) {
        eachRow(share, [groupOf, durationOf, buckets, width = buckets.count(), next = share.counts.data(),
                        to = percentiles.wanted()](std::uint32_t row) {
            const DurationNs duration = durationOf(row);
            if (std::uint32_t& place = next[groupOf(row) * width + buckets.of(duration)]; place != kNotWanted)
                to[place++] = duration;
        });
    });
    for (std::size_t group = 0; group < groupCount; ++group)
        percentiles.fill(group, result[group].duration);
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
