#include "trace_model/trace/span_nesting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
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
    EXPECT_THAT(rows[0].event, testing::ElementsAre(EventId(EventKind::NvtxRange, 0)));
    EXPECT_THAT(rows[1].event, testing::ElementsAre(EventId(EventKind::NvtxRange, 1), EventId(EventKind::NvtxRange, 2)));
    EXPECT_THAT(rows[2].event, testing::ElementsAre(EventId(EventKind::NvtxRange, 3)));
}

TEST(SpanNesting, TakesTheLongerOfTwoEqualStartsAsTheOuterOne)
{
    const auto rows = nestSpans({span(0, 10, 1), span(0, 100, 0)});
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].event.front().row(), 0u);
}

/// The times at which the rows of a stream draw its spans: (start, end) by event, as Trace::spanTime gives them.
std::map<std::uint32_t, TimeRange> drawnInStream(std::vector<LooseSpan> spans)
{
    sortOuterFirst(spans);
    Trace trace;
    RowBuilder builder;
    std::vector<LooseSpan> byRow(spans.size());
    for (const LooseSpan& loose : spans) {
        builder.nestInStream(loose);
        byRow[loose.event.row()] = loose;
    }
    for (const LooseSpan& loose : byRow)
        trace.nvtxRanges.addTimes(loose.start, loose.end);
    std::map<std::uint32_t, TimeRange> drawn;
    for (const DepthRow& row : builder.takeRows())
        for (std::size_t i = 0; i < row.size(); ++i)
            drawn[row.event[i].row()] = trace.spanTime(row, i);
    return drawn;
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
            placed += row.size();
            for (std::size_t i = 1; i < row.size(); ++i)
                ASSERT_GE(spans[row.event[i].row()].start, spans[row.event[i - 1].row()].end);
        }
        ASSERT_EQ(placed, spans.size());
    }
}

TEST(StreamRows, DrawASpanFromWhereTheOneBeforeEndsWhenTheyOverlapALittle)
{
    const auto drawn = drawnInStream({span(0, 100, 0), span(90, 200, 1), span(200, 300, 2)});
    EXPECT_EQ(drawn.at(1), (TimeRange{100, 200}));
    EXPECT_EQ(drawn.at(2), (TimeRange{200, 300}));
}

TEST(StreamRows, LeaveOverlapsOfHalfASpanAndSpansInsideOthersAlone)
{
    EXPECT_EQ(drawnInStream({span(0, 100, 0), span(60, 140, 1)}).at(1).start, 60);
    EXPECT_EQ(drawnInStream({span(0, 100, 0), span(10, 20, 1)}).at(1).start, 10);
    EXPECT_EQ(drawnInStream({span(0, 100, 0), span(10, 20, 1), span(95, 150, 2)}).at(2).start, 100); // behind the one that ends last
}

TEST(StreamRows, LoseNothingAndNeverOverlapOnRandomSpans)
{
    std::mt19937 random(20240612);
    for (int round = 0; round < 200; ++round) {
        std::vector<LooseSpan> spans;
        for (std::uint32_t i = 0; i < 60; ++i) {
            const auto start = static_cast<TimestampNs>(random() % 400);
            spans.push_back(span(start, start + 1 + static_cast<TimestampNs>(random() % 30), i));
        }
        const auto drawn = drawnInStream(spans);
        ASSERT_EQ(drawn.size(), spans.size());
        for (const auto& [row, time] : drawn) {
            ASSERT_EQ(time.end, spans[row].end);
            ASSERT_GE(time.start, spans[row].start);
            ASSERT_GT(time.duration() * 2, spans[row].end - spans[row].start); // more than half of it stays to be seen
        }
    }
}

TEST(RowBuilder, SumsTheTimeThatAtLeastOneSpanCovers)
{
    RowBuilder builder;
    for (const LooseSpan& loose : {span(0, 100, 0), span(10, 20, 1), span(90, 120, 2), span(200, 210, 3)})
        builder.nest(loose);
    EXPECT_EQ(builder.busy(), 130);
}

TEST(PackLanes, KeepsAGroupInOneLaneAndOpensAnotherOnlyForAnOverlap)
{
    const std::vector<std::vector<LooseSpan>> groups = {{span(0, 10, 0), span(10, 30, 1)}, {span(20, 40, 2)}, {span(30, 50, 3)}};
    RowBuilder builder;
    for (const auto& group : groups)
        builder.packLane(group);
    const auto lanes = builder.takeRows();
    ASSERT_EQ(lanes.size(), 2u);
    EXPECT_EQ(lanes[0].event.size(), 3u);
    EXPECT_EQ(lanes[1].event.front().row(), 2u);
}

} // namespace
} // namespace gantry::trace
