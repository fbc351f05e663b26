#include "trace_model/trace/counter_levels.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace gantry::trace {
namespace {

using Extremes = CounterColumns::Extremes;
constexpr std::size_t kBlock = CounterColumns::kBlock;

/// Where nothing is known (NaN) there is neither a smallest nor a largest.
void include(Extremes& extremes, const Extremes& more)
{
    extremes.min = std::fmin(extremes.min, more.min);
    extremes.max = std::fmax(extremes.max, more.max);
}

void sortByTime(CounterColumns& counter)
{
    if (std::is_sorted(counter.time.begin(), counter.time.end()))
        return;
    std::vector<std::uint32_t> order(counter.time.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return counter.time[a] < counter.time[b]; });
    Column<TimestampNs> time;
    Column<double> value;
    for (const std::uint32_t sample : order) {
        time.push_back(counter.time[sample]);
        value.push_back(counter.value[sample]);
    }
    counter.time = std::move(time);
    counter.value = std::move(value);
}

} // namespace

void sortAndIndex(CounterColumns& counter)
{
    sortByTime(counter);
    counter.levels.clear();
    counter.blockTime = {};
    if (counter.value.size() <= kBlock)
        return;
    Column<Extremes> level;
    for (std::size_t i = 0; i < counter.value.size(); ++i) {
        const Extremes sample{counter.value[i], counter.value[i]};
        if (i % kBlock == 0) {
            level.push_back(sample);
            counter.blockTime.push_back(counter.time[i]);
        } else {
            include(level[level.size() - 1], sample);
        }
    }
    while (level.size() > kBlock) {
        Column<Extremes> next;
        for (std::size_t i = 0; i < level.size(); ++i) {
            if (i % kBlock == 0)
                next.push_back(level[i]);
            else
                include(next[next.size() - 1], level[i]);
        }
        counter.levels.push_back(std::move(level));
        level = std::move(next);
    }
    counter.levels.push_back(std::move(level));
}

Extremes extremesOf(const CounterColumns& counter, std::size_t first, std::size_t end)
{
    Extremes extremes{counter.value[first], counter.value[first]};
    const auto sample = [&](std::size_t i) { include(extremes, {counter.value[i], counter.value[i]}); };
    // Up the levels while whole blocks lie between the ends; what is left over at either end of a level is looked at there.
    for (; first < end && first % kBlock != 0; ++first)
        sample(first);
    for (; first < end && end % kBlock != 0; --end)
        sample(end - 1);
    for (const Column<Extremes>& level : counter.levels) {
        if (first >= end)
            break;
        first /= kBlock;
        end /= kBlock;
        const bool isTop = &level == &counter.levels.back();
        for (; first < end && (isTop || first % kBlock != 0); ++first)
            include(extremes, level[first]);
        for (; first < end && end % kBlock != 0; --end)
            include(extremes, level[end - 1]);
    }
    for (; counter.levels.empty() && first < end; ++first)
        sample(first);
    return extremes;
}

} // namespace gantry::trace
