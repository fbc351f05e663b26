#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <stop_token>
#include <utility>

namespace gantry {

/// Lets a loop over many rows be ended: looks at the token once in a while, as that costs more than most rows do. Any thread.
class StopCheck
{
public:
    explicit StopCheck(std::stop_token stop) : m_stop(std::move(stop)) {}

    /// Whether to end the loop; asked with the number of each row, or of each step that takes no longer than some microseconds.
    [[nodiscard]] bool operator()(std::size_t row) const { return (row & kMask) == 0 && m_stop.stop_requested(); }

private:
    static constexpr std::size_t kMask = 0x1FFF; // 8192 rows: well below 1 ms of most work

    std::stop_token m_stop;
};

/// Sorts as std::sort does. False: `stop` ended it, and the order is any. Looks at `stop` at least every 50 ms while there are fewer than
/// ten million elements. O(n log n), and half as much memory as the elements take where there are more than some hundred thousand.
template <typename Iterator, typename Less = std::less<>>
bool sortUnlessStopped(Iterator first, Iterator last, const std::stop_token& stop, Less less = {})
{
    constexpr std::ptrdiff_t kRun = std::ptrdiff_t{1} << 18; // sorted in about 20 ms
    const auto count = std::distance(first, last);
    for (std::ptrdiff_t begin = 0; begin < count; begin += kRun) {
        if (stop.stop_requested())
            return false;
        std::sort(first + begin, first + std::min(begin + kRun, count), less);
    }
    for (std::ptrdiff_t run = kRun; run < count; run *= 2)
        for (std::ptrdiff_t begin = 0; begin + run < count; begin += 2 * run) {
            if (stop.stop_requested())
                return false;
            std::inplace_merge(first + begin, first + begin + run, first + std::min(begin + 2 * run, count), less);
        }
    return !stop.stop_requested();
}

} // namespace gantry
