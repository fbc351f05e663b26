#include "trace_model/trace/column.h"
#include "trace_model/trace/column_sets.h"
#include "trace_model/trace/dictionary.h"
#include "trace_model/trace/string_table.h"
#include "trace_model/trace/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <random>

namespace gantry::trace {
namespace {

TEST(Column, KeepsItsValuesWhileItGrowsFromTheHeapToPagesOfItsOwn)
{
    Column<std::uint64_t> column;
    constexpr std::uint64_t kMany = 2'000'000; // 16 MB: through every way of growing
    for (std::uint64_t i = 0; i < kMany; ++i)
        column.push_back(i * i);
    ASSERT_EQ(column.size(), kMany);
    for (std::uint64_t i = 0; i < kMany; ++i)
        ASSERT_EQ(column[i], i * i);
    column.shrink();
    EXPECT_EQ(column.back(), (kMany - 1) * (kMany - 1));
    const Column<std::uint64_t> copy = column;
    EXPECT_EQ(copy[kMany / 2], column[kMany / 2]);
}

TEST(Column, InAFileLeavesNoNameBehindAndHoldsTheSame)
{
    const std::filesystem::path folder = "/var/tmp";
    Column<std::uint32_t> column;
    column.spillTo(folder);
    constexpr std::uint32_t kMany = 3'000'000;
    for (std::uint32_t i = 0; i < kMany; ++i)
        column.push_back(i ^ 0x5A5A);
    column.shrink();
    for (std::uint32_t i = 0; i < kMany; i += 997)
        ASSERT_EQ(column[i], i ^ 0x5A5A);
    Column<std::uint32_t> like = column.alike();
    like.append(std::span(column.data(), column.size()));
    EXPECT_EQ(like.back(), column.back());
}

TEST(Column, OfAnotherOwnerIsCopiedBeforeItGrows)
{
    const auto owner = std::make_shared<std::vector<std::uint32_t>>(std::vector<std::uint32_t>{1, 2, 3});
    auto column = Column<std::uint32_t>::view(owner, std::as_bytes(std::span(*owner)));
    EXPECT_EQ(column.data(), owner->data());
    column.push_back(4);
    column[0] = 9;
    EXPECT_THAT(column, testing::ElementsAre(9, 2, 3, 4));
    EXPECT_THAT(*owner, testing::ElementsAre(1, 2, 3));
}

TEST(Dictionary, NumbersEqualValuesAlikeAndFindsThemAmongManyOthers)
{
    Dictionary<GpuPlace> places;
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < 5000; ++i)
        numbers.push_back(places.add({i % 3, i, 1, 2, 0}));
    EXPECT_EQ(places.size(), 5000u);
    for (std::uint32_t i = 0; i < 5000; ++i) {
        ASSERT_EQ(places.add({i % 3, i, 1, 2, 0}), numbers[i]);
        ASSERT_EQ(places[numbers[i]].device, i);
    }
    EXPECT_EQ(places[1'000'000], GpuPlace()); // a number of nothing
}

TEST(StringTable, GivesATextOneIdAndFindsItAfterFreezing)
{
    StringTable strings;
    std::vector<StringId> ids;
    for (int i = 0; i < 10'000; ++i)
        ids.push_back(strings.intern("kernel_" + std::to_string(i)));
    EXPECT_EQ(strings.intern("kernel_77"), ids[77]);
    EXPECT_EQ(strings.size(), 10'000u);
    strings.freeze();
    EXPECT_EQ(strings[ids[9'999]], "kernel_9999");
    EXPECT_EQ(strings.find("kernel_1234"), ids[1234]);
    EXPECT_TRUE(strings.find("no such kernel").isNone());
    EXPECT_EQ(strings[StringId()], "");
    EXPECT_EQ(StringTable().intern(""), StringId(0));
}

TEST(EventColumns, KeepDurationsOfNanosecondsAndOfYears)
{
    EventColumns columns;
    const DurationNs durations[] = {0, 1, 0x7FFFFFFF, 0x80000000, DurationNs{1} << 57};
    for (const DurationNs duration : durations)
        columns.addTimes(1000, 1000 + duration);
    for (std::size_t row = 0; row < std::size(durations); ++row)
        EXPECT_EQ(columns.duration(row), durations[row]);
    columns.setEnd(0, 1000 + (DurationNs{1} << 40));
    EXPECT_EQ(columns.duration(0), DurationNs{1} << 40);
    EXPECT_EQ(columns.duration(4), DurationNs{1} << 57);
}

/// Kernels with times and correlations from `random`.
KernelColumns randomKernels(std::mt19937& random, std::size_t count)
{
    KernelColumns columns;
    for (std::size_t i = 0; i < count; ++i) {
        const auto start = static_cast<TimestampNs>(random() % 300);
        columns.addTimes(start, start + (random() % 50 == 0 ? DurationNs{1} << 40 : static_cast<DurationNs>(random() % 20)));
        columns.correlation.push_back(static_cast<std::uint32_t>(random()));
        columns.placeNumber.push_back(
            columns.places.add({7, static_cast<std::uint32_t>(random() % 3), 1, static_cast<std::uint32_t>(random() % 4), 0}));
        columns.nameNumber.push_back(columns.names.add({StringId(static_cast<std::uint32_t>(random() % 5)), StringId(9)}));
        columns.shapeNumber.push_back(columns.shapes.add({{static_cast<std::uint32_t>(random() % 3), 1, 1}, {32, 1, 1}, 0, 0, 0}));
        columns.graphNode.add(i, random() % 4 == 0 ? random() : 0);
    }
    return columns;
}

using KernelRow = std::tuple<TimestampNs, DurationNs, std::uint32_t, GpuPlace, StringId, std::uint32_t, std::uint64_t>;

std::vector<KernelRow> rowsOf(const KernelColumns& c)
{
    std::vector<KernelRow> rows;
    for (std::size_t row = 0; row < c.size(); ++row)
        rows.emplace_back(c.start[row], c.duration(row), c.correlation[row], c.place(row), c.shortName(row), c.shape(row).grid[0],
                          c.graphNode[row]);
    return rows;
}

TEST(ColumnSets, AppendedAndSortedAreTheSameRowsInTheOrderOfTheirStartsOuterOnesFirst)
{
    std::mt19937 random(20261121);
    for (int round = 0; round < 50; ++round) {
        KernelColumns all = randomKernels(random, random() % 100);
        const KernelColumns more = randomKernels(random, random() % 100);
        std::vector<KernelRow> expected = rowsOf(all);
        for (const KernelRow& row : rowsOf(more))
            expected.push_back(row);
        std::stable_sort(expected.begin(), expected.end(), [](const KernelRow& a, const KernelRow& b) {
            return std::get<0>(a) != std::get<0>(b) ? std::get<0>(a) < std::get<0>(b) : std::get<1>(a) > std::get<1>(b);
        });
        appendRows(all, more);
        sortByStart(all);
        ASSERT_EQ(rowsOf(all), expected) << "round " << round;
        freeze(all);
        ASSERT_EQ(rowsOf(all), expected);
    }
}

TEST(RowsIn, AreThoseThatIntersectTheWindowOnRandomTimes)
{
    std::mt19937 random(7);
    EventColumns columns;
    for (int i = 0; i < 5000; ++i) {
        const auto start = static_cast<TimestampNs>(random() % 100'000);
        columns.addTimes(start, start + static_cast<DurationNs>(random() % (random() % 100 == 0 ? 30'000 : 30)));
    }
    sortByStart(columns);
    freeze(columns);
    for (int round = 0; round < 200; ++round) {
        const auto start = static_cast<TimestampNs>(random() % 100'000);
        const TimeRange window{start, start + static_cast<TimestampNs>(random() % 5000)};
        std::vector<std::uint32_t> expected, found;
        for (std::uint32_t row = 0; row < columns.size(); ++row)
            if (columns.start[row] < window.end && (columns.start[row] >= window.start || columns.end(row) > window.start))
                expected.push_back(row);
        const RowSelection rows = rowsIn(columns, window);
        for (std::size_t i = 0; i < rows.size(); ++i)
            found.push_back(rows[i]);
        ASSERT_EQ(found, expected) << "round " << round;
    }
}

TEST(Dictionary, TakesMoreValuesAfterItWasFrozen)
{
    Dictionary<std::uint64_t> values;
    for (std::uint64_t value = 0; value < 1000; ++value)
        EXPECT_EQ(values.add(value * 7), value);
    values.freeze();
    EXPECT_EQ(values.add(999 * 7), 999u);
    EXPECT_EQ(values.add(1), 1000u);
}

} // namespace
} // namespace gantry::trace
