#include "trace_model/trace/span_nesting.h"

#include <gtest/gtest.h>

#include <random>

namespace gantry::trace {
namespace {

LooseSpan span(TimestampNs start, TimestampNs end, std::uint32_t row = 0)
{
    return {start, end, EventId(EventKind::NvtxRange, row)};
}

TEST(SpanNesting, PutsWhatIsHeldOneDepthLower)
{
    const auto rows = nestSpans({span(10, 20, 1), span(0, 100, 0), span(30, 40, 2), span(32, 34, 3)});
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0].event, (std::vector{EventId(EventKind::NvtxRange, 0)}));
    EXPECT_EQ(rows[1].event, (std::vector{EventId(EventKind::NvtxRange, 1), EventId(EventKind::NvtxRange, 2)}));
    EXPECT_EQ(rows[2].event, (std::vector{EventId(EventKind::NvtxRange, 3)}));
}

TEST(SpanNesting, TakesTheLongerOfTwoEqualStartsAsTheOuterOne)
{
    const auto rows = nestSpans({span(0, 10, 1), span(0, 100, 0)});
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].event.front().row(), 0u);
}

TEST(SpanNesting, NeverOverlapsInARowAndLosesNothingOnRandomSpans)
{
    std::mt19937 random(20240607);
    for (int round = 0; round < 200; ++round) {
        std::vector<LooseSpan> spans;
        for (std::uint32_t i = 0; i < 60; ++i) {
            const auto start = static_cast<TimestampNs>(random() % 400);
            spans.push_back(span(start, start + static_cast<TimestampNs>(random() % 80), i));
        }
        std::size_t placed = 0;
        for (const DepthRow& row : nestSpans(spans)) {
            placed += row.start.size();
            for (std::size_t i = 1; i < row.start.size(); ++i)
                ASSERT_GE(row.start[i], row.end[i - 1]);
        }
        ASSERT_EQ(placed, spans.size());
    }
}

TEST(WithoutSmallOverlaps, MovesAStartBehindTheSpanBeforeButNeverAnEnd)
{
    const auto moved = withoutSmallOverlaps({span(0, 100, 0), span(90, 200, 1), span(200, 300, 2)});
    ASSERT_EQ(moved.size(), 3u);
    EXPECT_EQ(moved[1].start, 100);
    EXPECT_EQ(moved[1].end, 200);
    EXPECT_EQ(moved[2].start, 200);
    EXPECT_EQ(nestSpans(moved).size(), 1u);
}

TEST(WithoutSmallOverlaps, LeavesOverlapsOfHalfASpanAndSpansInsideOthersAlone)
{
    EXPECT_EQ(withoutSmallOverlaps({span(0, 100, 0), span(60, 140, 1)})[1].start, 60);
    EXPECT_EQ(withoutSmallOverlaps({span(0, 100, 0), span(10, 20, 1)})[1].start, 10);
    EXPECT_EQ(withoutSmallOverlaps({span(0, 100, 0), span(10, 20, 1), span(95, 150, 2)})[2].start, 100); // behind the one that ends last
    EXPECT_TRUE(withoutSmallOverlaps({}).empty());
}

TEST(WithoutSmallOverlaps, KeepsOrderAndLosesNothingOnRandomSpans)
{
    std::mt19937 random(20240612);
    for (int round = 0; round < 200; ++round) {
        std::vector<LooseSpan> spans;
        for (std::uint32_t i = 0; i < 60; ++i) {
            const auto start = static_cast<TimestampNs>(random() % 400);
            spans.push_back(span(start, start + 1 + static_cast<TimestampNs>(random() % 30), i));
        }
        const auto moved = withoutSmallOverlaps(spans);
        ASSERT_EQ(moved.size(), spans.size());
        for (const LooseSpan& after : moved) {
            const LooseSpan& before = spans[after.event.row()];
            ASSERT_EQ(after.end, before.end);
            ASSERT_GE(after.start, before.start);
            ASSERT_GT((after.end - after.start) * 2, before.end - before.start); // more than half of it stays to be seen
        }
    }
}

TEST(PackLanes, KeepsAGroupInOneLaneAndOpensAnotherOnlyForAnOverlap)
{
    const std::vector<std::vector<LooseSpan>> groups = {{span(0, 10, 0), span(10, 30, 1)}, {span(20, 40, 2)}, {span(30, 50, 3)}};
    const auto lanes = packLanes(groups);
    ASSERT_EQ(lanes.size(), 2u);
    EXPECT_EQ(lanes[0].event.size(), 3u);
    EXPECT_EQ(lanes[1].event.front().row(), 2u);
}

} // namespace
} // namespace gantry::trace
