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
