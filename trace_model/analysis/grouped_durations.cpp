#include "trace_model/analysis/grouped_durations.h"

#include "trace_model/base/parallel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace gantry::analysis {
namespace {

constexpr int kMantissaBits = 6;
constexpr std::size_t kBuckets = std::size_t{64} << kMantissaBits;
constexpr std::size_t kFewRows = 4096; // below this sorting is as fast as counting

/// Number of the bucket of a duration: 64 buckets for each doubling, longer ones never before shorter ones. The upper bits of a float are
/// such a number, and cheap to make.
std::size_t bucketOf(DurationNs duration)
{
    constexpr std::uint32_t kOfOne = std::bit_cast<std::uint32_t>(1.0F) >> (23 - kMantissaBits);
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(duration + 1));
    return std::min<std::size_t>((bits >> (23 - kMantissaBits)) - kOfOne, kBuckets - 1);
}

std::size_t rankOf(std::size_t count, double share) // nearest rank, from 0
{
    return static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(count)))) - 1;
}

/// Percentiles by counting: the bucket of each rank, then the order within these buckets alone.
template <typename Duration>
void findPercentiles(std::span<const Duration> durations, Distribution& into)
{
    std::vector<std::uint32_t> counts(kBuckets);
    for (const Duration duration : durations)
        ++counts[bucketOf(duration)];
    struct Target
    {
        std::size_t rank;
        DurationNs& value;
        std::size_t bucket = 0;
        std::vector<DurationNs> inBucket = {};
    };
    std::array<Target, 3> targets = {Target{rankOf(durations.size(), 0.50), into.p50}, Target{rankOf(durations.size(), 0.95), into.p95},
                                     Target{rankOf(durations.size(), 0.99), into.p99}};
    for (Target& target : targets) {
        while (target.rank >= counts[target.bucket])
            target.rank -= counts[target.bucket++];
        target.inBucket.reserve(counts[target.bucket]);
    }
    // One comparison for most: they lie in none of the buckets.
    std::vector<std::uint8_t> isWanted(kBuckets);
    for (const Target& target : targets)
        isWanted[target.bucket] = 1;
    for (const Duration duration : durations) {
        const std::size_t bucket = bucketOf(duration);
        if (!isWanted[bucket])
            continue;
        for (Target& target : targets)
            if (bucket == target.bucket)
                target.inBucket.push_back(duration);
    }
    for (Target& target : targets) {
        const auto at = target.inBucket.begin() + static_cast<std::ptrdiff_t>(target.rank);
        std::nth_element(target.inBucket.begin(), at, target.inBucket.end());
        target.value = *at;
    }
}

/// A half of the selected rows.
struct Share
{
    std::size_t first = 0, end = 0;
    std::vector<std::uint32_t> counts; ///< by group; then where its next duration goes
    std::vector<std::uint64_t> bytes;
    std::vector<DurationNs> longest;
    std::vector<std::uint32_t> longestRow;
};

template <typename Duration>
Distribution distributionOfGroup(std::span<const Duration> durations)
{
    if (durations.size() < kFewRows)
        return distributionOf({durations.begin(), durations.end()});
    Distribution result;
    result.count = durations.size();
    result.min = result.max = durations.front();
    for (const Duration duration : durations) {
        result.total += duration;
        result.min = std::min<DurationNs>(result.min, duration);
        result.max = std::max<DurationNs>(result.max, duration);
    }
    findPercentiles(durations, result);
    return result;
}

/// groupDurations() with durations as `durationOf(row)` gives them.
template <typename Duration, typename DurationOf>
std::vector<DurationGroup> groupBy(DurationOf durationOf, const trace::RowSelection& rows, const trace::Column<std::uint32_t>& numbers, std::span<const std::uint32_t> groups,
                                   std::size_t groupCount, std::span<const std::uint64_t> bytes)
{
    // Local pointers: what is written in the loops below could else be what they point to.
    const auto groupOf = [numbers = numbers.data(), groups, groupCount](std::uint32_t row) {
        const std::uint32_t number = numbers[row];
        return number < groups.size() ? std::size_t{groups[number]} : groupCount;
    };
    const auto eachRow = [&](const Share& share, auto take) {
        std::size_t i = share.first;
        for (; i < std::min(share.end, rows.early.size()); ++i)
            take(rows.early[i]);
        const std::uint32_t last = rows.first + static_cast<std::uint32_t>(share.end - rows.early.size());
        for (std::uint32_t row = i < share.end ? rows[i] : last; row < last && i < share.end; ++row)
            take(row);
    };
    std::vector<Share> shares(kWorkers);
    for (std::size_t i = 0; i < shares.size(); ++i)
        shares[i] = {rows.size() * i / shares.size(), rows.size() * (i + 1) / shares.size(), std::vector<std::uint32_t>(groupCount + 1), std::vector<std::uint64_t>(groupCount + 1),
                     std::vector<DurationNs>(groupCount + 1, -1), std::vector<std::uint32_t>(groupCount + 1)};
    const auto onEachShare = [&](auto work) {
        std::vector<std::function<void()>> tasks;
        for (Share& share : shares)
            tasks.emplace_back([&work, &share] { work(share); });
        inParallel(std::move(tasks));
    };
    onEachShare([&](Share& share) {
        eachRow(share, [&groupOf, counts = share.counts.data()](std::uint32_t row) { ++counts[groupOf(row)]; });
    });
    // Durations of a group lie together, those of the first share first.
    std::vector<std::size_t> groupStart(groupCount + 2);
    std::uint32_t next = 0;
    for (std::size_t group = 0; group <= groupCount; ++group) {
        groupStart[group] = next;
        for (Share& share : shares)
            next += std::exchange(share.counts[group], next);
    }
    groupStart[groupCount + 1] = next;
    trace::Column<Duration> durations; // of large pages: it is touched all over
    durations.reserve(rows.size());
    onEachShare([&](Share& share) {
        eachRow(share, [&groupOf, &durationOf, to = durations.begin(), next = share.counts.data(), longest = share.longest.data(), longestRow = share.longestRow.data()](std::uint32_t row) {
            const std::size_t group = groupOf(row);
            const Duration duration = durationOf(row);
            to[next[group]++] = duration;
            if (static_cast<DurationNs>(duration) > longest[group]) {
                longest[group] = duration;
                longestRow[group] = row;
            }
        });
        if (!bytes.empty())
            eachRow(share, [&](std::uint32_t row) { share.bytes[groupOf(row)] += bytes[row]; });
    });
    std::vector<DurationGroup> result(groupCount);
    std::vector<std::function<void()>> tasks;
    for (std::size_t group = 0; group < groupCount; ++group) {
        DurationNs longest = -1;
        for (const Share& share : shares) {
            result[group].bytes += share.bytes[group];
            if (share.longest[group] > longest) {
                longest = share.longest[group];
                result[group].longestRow = share.longestRow[group];
            }
        }
        tasks.emplace_back([&, group] {
            result[group].duration = distributionOfGroup(std::span<const Duration>(durations.data() + groupStart[group], groupStart[group + 1] - groupStart[group]));
        });
    }
    inParallel(std::move(tasks));
    return result;
}

} // namespace

Distribution distributionOfMany(std::span<const DurationNs> durations)
{
    return distributionOfGroup(durations);
}

std::vector<DurationGroup> groupDurations(const trace::EventColumns& columns, const trace::RowSelection& rows, const trace::Column<std::uint32_t>& numbers,
                                          std::span<const std::uint32_t> groups, std::size_t groupCount, std::span<const std::uint64_t> bytes)
{
    if (rows.size() == 0)
        return std::vector<DurationGroup>(groupCount);
    if (columns.longDurations.empty()) // half the memory to move
        return groupBy<std::uint32_t>([durations = columns.shortDuration.data()](std::uint32_t row) { return durations[row]; }, rows, numbers, groups, groupCount, bytes);
    return groupBy<DurationNs>([&](std::uint32_t row) { return columns.duration(row); }, rows, numbers, groups, groupCount, bytes);
}

} // namespace gantry::analysis
