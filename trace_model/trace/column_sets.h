#pragma once

#include "trace_model/trace/event_columns.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

namespace gantry::trace {

// What is done to all columns of a set alike, whichever set it is.

namespace column_sets {

/// Calls `visitor.plain(column)`, `.sparse(column)` or `.coded(numbers, dictionary)` with each column that members() lists, of all the
/// sets.
template <typename Visitor, typename First, typename... Sets>
void eachMember(Visitor&& visitor, First& set, Sets&... sets)
{
    const auto one = [&](auto member) {
        if constexpr (requires { member.numbers; })
            visitor.coded(set.*(member.numbers), set.*(member.values), (sets.*(member.numbers))..., (sets.*(member.values))...);
        else if constexpr (requires { (set.*member).values; })
            visitor.sparse((set.*member).values, (sets.*member).values...);
        else
            visitor.plain(set.*member, (sets.*member)...);
    };
    std::apply([&](auto... member) { (one(member), ...); }, First::members());
}

/// Puts the values of one set's column behind those of another's.
struct Append
{
    std::size_t rowsBefore;

    template <typename T>
    void plain(Column<T>& to, const Column<T>& more) const
    {
        to.append(std::span(more.data(), more.size()));
    }
    template <typename T>
    void sparse(Column<T>& to, const Column<T>& more) const
    {
        if (more.empty())
            return;
        to.resize(rowsBefore);
        plain(to, more);
    }
    template <typename V>
    void coded(Column<std::uint32_t>& to, Dictionary<V>& values, const Column<std::uint32_t>& more, const Dictionary<V>& moreValues) const
    {
        std::vector<std::uint32_t> numbers(moreValues.size());
        for (std::uint32_t i = 0; i < numbers.size(); ++i)
            numbers[i] = values.add(moreValues[i]);
        std::ranges::transform(more, to.extend(more.size()).begin(), [&](std::uint32_t number) { return numbers[number]; });
    }
};

/// Puts values into a new order.
struct Permute
{
    const Column<std::uint32_t>& order;

    template <typename T>
    void plain(Column<T>& column) const
    {
        Column<T> sorted = column.alike();
        std::ranges::transform(order, sorted.extend(order.size()).begin(), [from = column.data()](std::uint32_t row) { return from[row]; });
        column = std::move(sorted);
    }
    template <typename T>
    void sparse(Column<T>& column) const
    {
        if (column.empty())
            return;
        column.resize(order.size());
        plain(column);
    }
    template <typename V>
    void coded(Column<std::uint32_t>& column, Dictionary<V>&) const
    {
        plain(column);
    }
};

struct SpillTo
{
    const std::filesystem::path& folder;

    template <typename T>
    void plain(Column<T>& column) const
    {
        column.spillTo(folder);
    }
    template <typename T>
    void sparse(Column<T>& column) const
    {
        column.spillTo(folder);
    }
    template <typename V>
    void coded(Column<std::uint32_t>& column, Dictionary<V>&) const
    {
        column.spillTo(folder);
    }
};

struct Freeze
{
    template <typename T>
    void plain(Column<T>& column) const
    {
        column.shrink();
    }
    template <typename T>
    void sparse(Column<T>& column) const
    {
        column.shrink();
    }
    template <typename V>
    void coded(Column<std::uint32_t>& column, Dictionary<V>& values) const
    {
        column.shrink();
        values.freeze();
    }
};

/// Rows in the order of start, of equal starts the later end first, else as they are. Merges the runs that are in order already, and of
/// two of them only what overlaps: the rows of a report lie near their place, as its streams took turns.
template <typename Set>
Column<std::uint32_t> orderOf(const Set& set)
{
    const auto isBefore = [&](std::uint32_t a, std::uint32_t b) {
        return set.start[a] != set.start[b] ? set.start[a] < set.start[b] : set.duration(a) > set.duration(b);
    };
    Column<std::uint32_t> order;
    const std::span<std::uint32_t> rows = order.extend(set.size());
    std::iota(rows.begin(), rows.end(), 0u);
    std::vector<std::size_t> runs = {0}; // where each begins, and the end of the last one
    for (std::uint32_t row = 1; row < rows.size(); ++row)
        if (isBefore(row, row - 1))
            runs.push_back(row);
    runs.push_back(rows.size());
    std::vector<std::uint32_t> left;
    const auto merge = [&](std::span<std::uint32_t> both, std::size_t sizeOfLeft) {
        auto right = both.begin() + static_cast<std::ptrdiff_t>(sizeOfLeft);
        auto to = std::upper_bound(both.begin(), right, *right, isBefore);
        left.assign(to, right);
        for (auto from = left.begin(); from != left.end();)
            *to++ = right != both.end() && isBefore(*right, *from) ? *right++ : *from++;
    };
    while (runs.size() > 2) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
            if (i + 2 < runs.size())
                merge(rows.subspan(runs[i], runs[i + 2] - runs[i]), runs[i + 1] - runs[i]);
            runs[kept++] = runs[i];
        }
        runs[kept++] = rows.size();
        runs.resize(kept);
    }
    return order;
}

} // namespace column_sets

/// Puts the rows of `more` behind those of `to`.
template <typename Set>
void appendRows(Set& to, const Set& more)
{
    const std::size_t before = to.size();
    const auto longBefore = static_cast<std::uint32_t>(to.longDurations.size());
    to.start.append(std::span(more.start.data(), more.size()));
    std::ranges::transform(more.shortDuration, to.shortDuration.extend(more.size()).begin(),
                           [&](std::uint32_t duration) { return duration < EventColumns::kLong ? duration : duration + longBefore; });
    to.longDurations.append(std::span(more.longDurations.data(), more.longDurations.size()));
    column_sets::eachMember(column_sets::Append{before}, to, more);
}

/// Puts the rows into the order of their start; of equal starts the later end, the outer one, is first.
template <typename Set>
void sortByStart(Set& set)
{
    const auto isOutOfOrder = [&](std::size_t row) {
        return set.start[row] < set.start[row - 1] || (set.start[row] == set.start[row - 1] && set.duration(row) > set.duration(row - 1));
    };
    bool isSorted = true;
    for (std::size_t row = 1; row < set.size() && isSorted; ++row)
        isSorted = !isOutOfOrder(row);
    if (isSorted)
        return;
    const Column<std::uint32_t> order = column_sets::orderOf(set);
    const column_sets::Permute permute{order};
    permute.plain(set.start);
    permute.plain(set.shortDuration);
    column_sets::eachMember(permute, set);
}

/// Rows are complete and in order: indexes them and gives back what only growing needs.
template <typename Set>
void freeze(Set& set)
{
    for (std::size_t row = 0; row < set.size(); row += EventColumns::kBlockRows) {
        TimestampNs latest = set.end(row);
        for (std::size_t i = row; i < std::min(set.size(), row + EventColumns::kBlockRows); ++i)
            latest = std::max(latest, set.end(i));
        set.latestEnds.push_back(latest);
    }
    set.start.shrink();
    set.shortDuration.shrink();
    column_sets::eachMember(column_sets::Freeze{}, set);
}

/// Keeps the columns in nameless files of `folder` instead of memory. Before anything is in them.
template <typename Set>
void spillTo(Set& set, const std::filesystem::path& folder)
{
    set.start.spillTo(folder);
    set.shortDuration.spillTo(folder);
    column_sets::eachMember(column_sets::SpillTo{folder}, set);
}

} // namespace gantry::trace
