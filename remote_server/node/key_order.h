#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gantry::node {

/// Something with what it is sorted by.
template <typename Value>
struct Keyed
{
    std::uint64_t key = 0;
    Value value{};
};

/// Of a time that may be negative: in its order.
constexpr std::uint64_t keyOf(std::int64_t time)
{
    return static_cast<std::uint64_t>(time) ^ std::uint64_t{1} << 63;
}

/// Sorts by key; what has the same key stays in its order. By the digits of the keys, the least first, and only by those in which they
/// differ: a million times of one window take three passes of some ms, where comparing takes a hundred.
template <typename Value>
void sortByKey(std::vector<Keyed<Value>>& list)
{
    constexpr int kDigitBits = 11; // as many counters as fit in the first cache
    constexpr std::uint64_t kMask = (1u << kDigitBits) - 1;
    const auto isBefore = [](const Keyed<Value>& a, const Keyed<Value>& b) { return a.key < b.key; };
    if (std::is_sorted(list.begin(), list.end(), isBefore))
        return;
    const auto [least, most] = std::minmax_element(list.begin(), list.end(), isBefore);
    const std::uint64_t first = least->key;
    const int bits = std::bit_width(most->key - first);
    std::vector<Keyed<Value>> sorted(list.size());
    for (int shift = 0; shift < bits; shift += kDigitBits) {
        std::array<std::size_t, kMask + 1> next{};
        for (const Keyed<Value>& each : list)
            ++next[(each.key - first) >> shift & kMask];
        std::size_t before = 0;
        for (std::size_t& count : next)
            before += std::exchange(count, before);
        for (const Keyed<Value>& each : list)
            sorted[next[(each.key - first) >> shift & kMask]++] = each;
        list.swap(sorted);
    }
}

} // namespace gantry::node
