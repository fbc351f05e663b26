#include "remote_server/node/key_order.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace gantry::node {
namespace {

/// Sorted by the library's stable sort and by ours, each value being its place before.
void expectSorted(const std::vector<std::uint64_t>& keys)
{
    std::vector<Keyed<std::size_t>> list;
    for (const std::uint64_t key : keys)
        list.push_back({key, list.size()});
    auto expected = list;
    std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    sortByKey(list);
    ASSERT_EQ(list.size(), expected.size());
    for (std::size_t i = 0; i < list.size(); ++i)
        ASSERT_TRUE(list[i].key == expected[i].key && list[i].value == expected[i].value) << "place " << i << " of " << list.size();
}

TEST(KeyOrder, IsThatOfAStableSort)
{
    std::mt19937_64 random(1); // NOLINT(bugprone-random-generator-seed): the same keys in every run
    for (const std::uint64_t range : {1ull, 2ull, 100ull, 2048ull, 1ull << 22, 1ull << 33, 1ull << 63})
        for (const std::size_t count : {0u, 1u, 2u, 1000u, 20'000u}) {
            std::vector<std::uint64_t> keys(count);
            for (std::uint64_t& key : keys)
                key = 5'000'000'000'000 + random() % range;
            expectSorted(keys);
            std::sort(keys.begin(), keys.end());
            expectSorted(keys);
            std::reverse(keys.begin(), keys.end());
            expectSorted(keys);
        }
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    expectSorted({kMost, 0, kMost, 1, kMost - 1, 0});
}

TEST(KeyOrder, TimesBeforeZeroComeBeforeThoseBehindIt)
{
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(), kMost = std::numeric_limits<std::int64_t>::max();
    const std::vector<std::int64_t> times = {kLeast, -7, -1, 0, 1, 7, kMost};
    for (std::size_t i = 1; i < times.size(); ++i)
        EXPECT_LT(keyOf(times[i - 1]), keyOf(times[i]));
}

} // namespace
} // namespace gantry::node
