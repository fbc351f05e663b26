#pragma once

#include "trace_model/trace/trace.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <tuple>
#include <vector>

namespace gantry::trace {

// The columns of each set of events as a tuple of references, `start` first: for what is done to all of them alike.
inline auto columnsOf(KernelColumns& c)
{
    return std::tie(c.start, c.end, c.device, c.context, c.stream, c.correlation, c.globalPid, c.shortName, c.demangledName, c.grid, c.block, c.registersPerThread,
                    c.staticSharedMemory, c.dynamicSharedMemory, c.graphNodeId);
}
inline auto columnsOf(MemcpyColumns& c)
{
    return std::tie(c.start, c.end, c.device, c.context, c.stream, c.correlation, c.globalPid, c.bytes, c.copyKind, c.sourceKind, c.destinationKind);
}
inline auto columnsOf(MemsetColumns& c)
{
    return std::tie(c.start, c.end, c.device, c.context, c.stream, c.correlation, c.globalPid, c.bytes, c.value, c.memoryKind);
}
inline auto columnsOf(SynchronizationColumns& c)
{
    return std::tie(c.start, c.end, c.device, c.context, c.stream, c.correlation, c.globalPid, c.type);
}
inline auto columnsOf(ApiCallColumns& c)
{
    return std::tie(c.start, c.end, c.globalTid, c.correlation, c.name, c.returnValue, c.isDriver);
}
inline auto columnsOf(NvtxRangeColumns& c)
{
    return std::tie(c.start, c.end, c.globalTid, c.text, c.domain, c.category, c.color, c.payload, c.isStartEnd, c.isOpen);
}
inline auto columnsOf(NvtxMarkColumns& c)
{
    return std::tie(c.start, c.end, c.globalTid, c.text, c.domain, c.category, c.color, c.payload);
}
inline auto columnsOf(OverheadColumns& c)
{
    return std::tie(c.start, c.end, c.globalTid, c.name);
}
inline auto columnsOf(CounterColumns& c)
{
    return std::tie(c.time, c.value);
}

/// Puts the rows of `more` behind those of `to`.
template <typename Columns>
void appendColumns(Columns& to, Columns&& more)
{
    const auto append = []<std::size_t... I>(auto into, auto from, std::index_sequence<I...>) {
        const auto one = [](auto& column, auto& tail) {
            if (column.empty())
                column = std::move(tail);
            else
                column.insert(column.end(), tail.begin(), tail.end());
        };
        (one(std::get<I>(into), std::get<I>(from)), ...);
    };
    append(columnsOf(to), columnsOf(more), std::make_index_sequence<std::tuple_size_v<decltype(columnsOf(to))>>());
}

/// Puts the rows into the order of their start; equal ones keep theirs.
template <typename Columns>
void sortByStart(Columns& columns)
{
    const auto all = columnsOf(columns);
    const auto& start = std::get<0>(all);
    if (std::is_sorted(start.begin(), start.end()))
        return;
    std::vector<std::uint32_t> order(start.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return start[a] < start[b]; });
    std::apply(
        [&](auto&... column) {
            const auto permute = [&](auto& values) {
                auto sorted = values;
                for (std::size_t i = 0; i < order.size(); ++i)
                    sorted[i] = values[order[i]];
                values = std::move(sorted);
            };
            (permute(column), ...);
        },
        all);
}

} // namespace gantry::trace
