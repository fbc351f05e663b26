#include "trace_model/trace/visible_spans.h"

#include <gtest/gtest.h>

#include <random>

namespace gantry::trace {
namespace {

/// One track with one row of spans that do not overlap.
Trace traceOf(const std::vector<TimeRange>& spans)
{
    Trace trace;
    Track track;
    track.kind = TrackKind::GpuStream;
    DepthRow row;
    DurationNs busy = 0;
    for (std::uint32_t i = 0; i < spans.size(); ++i) {
        trace.kernels.addTimes(spans[i].start, spans[i].end);
        if (i % DepthRow::kBlock == 0) {
            row.blockStart.push_back(spans[i].start);
            row.blockBusy.push_back(busy);
        }
        busy += spans[i].duration();
        row.event.push_back(EventId(EventKind::Kernel, i));
    }
    track.rows.push_back(std::move(row));
    trace.tracks.push_back(std::move(track));
    return trace;
}

/// Whether a span touches the window, as a half-open range or as an instant in it.
bool isIn(TimeRange span, TimeRange window)
{
    return span.start < window.end && (span.end > window.start || (span.start == span.end && span.start >= window.start));
}

TEST(VisibleSpans, ReturnNothingForAnEmptyWindowOrNoWidth)
{
    const Trace trace = traceOf({{0, 10}});
    EXPECT_TRUE(visibleSpans(trace, TrackId(0), {5, 5}, 100).empty());
    EXPECT_TRUE(visibleSpans(trace, TrackId(0), {0, 10}, 0).empty());
    EXPECT_TRUE(visibleSpans(trace, TrackId(99), {0, 10}, 100).empty());
}

// One pixel between two long spans holds both their ends and what lies between them.
TEST(VisibleSpans, AreAtMostOneMoreThanTwiceThePixels)
{
    const Trace trace = traceOf({{0, 100}, {101, 102}, {103, 200}});
    EXPECT_EQ(visibleSpans(trace, TrackId(0), {99, 104}, 1).size(), 3u);
}

TEST(VisibleSpans, CoverEverySpanOnceAndFoldOnlyNarrowOnesOnRandomData)
{
    std::mt19937 random(7);
    for (int round = 0; round < 500; ++round) {
        std::vector<TimeRange> spans;
        TimestampNs at = 0;
        const std::size_t count = 1 + random() % 300;
        for (std::size_t i = 0; i < count; ++i) {
            at += static_cast<TimestampNs>(random() % 40);
            const bool isLong = random() % 8 == 0;
            const auto length = static_cast<TimestampNs>(random() % (isLong ? 400 : 20));
            spans.push_back({at, at + length});
            at += length;
        }
        const Trace trace = traceOf(spans);
        const auto start = static_cast<TimestampNs>(random() % 2000);
        const TimeRange window{start, start + 1 + static_cast<TimestampNs>(random() % 6000)};
        const int width = 1 + static_cast<int>(random() % 300);
        const double nsPerPixel = static_cast<double>(window.duration()) / width;
        const auto visible = visibleSpans(trace, TrackId(0), window, width);

        ASSERT_LE(visible.size(), static_cast<std::size_t>(2 * width + 1));
        std::size_t next = 0;
        while (next < spans.size() && !isIn(spans[next], window))
            ++next;
        for (const VisibleSpan& entry : visible) {
            ASSERT_EQ(entry.first.row(), next) << "round " << round;
            ASSERT_GE(entry.count, 1u);
            const std::size_t last = next + entry.count - 1;
            ASSERT_LT(last, spans.size());
            EXPECT_EQ(entry.time.start, spans[next].start);
            EXPECT_GE(entry.time.end, spans[last].end);
            EXPECT_LE(static_cast<double>(entry.time.end - spans[last].end), entry.count == 1 ? 0 : nsPerPixel / 4) << "round " << round;
            if (entry.count > 1) {
                for (std::size_t i = next; i <= last; ++i)
                    EXPECT_LE(static_cast<double>(spans[i].duration()), nsPerPixel + 1) << "round " << round;
            }
            next = last + 1;
        }
        EXPECT_TRUE(next == spans.size() || !isIn(spans[next], window)) << "round " << round;
    }
}

TEST(VisibleSpans, SayHowMuchOfAFoldIsBusy)
{
    std::vector<TimeRange> spans;
    for (TimestampNs i = 0; i < 10'000; ++i)
        spans.push_back({i * 10, i * 10 + (i < 5'000 ? 3 : 8)});
    const Trace trace = traceOf(spans);
    for (const int width : {20, 300, 1'700, 5'000}) { // 500 to 2 spans in a pixel
        DurationNs sum = 0;
        for (const VisibleSpan& entry : visibleSpans(trace, TrackId(0), {0, 100'000}, width)) {
            const double expected = entry.time.start < 49'000 ? 0.3 : 0.8;
            if (entry.time.end < 49'000 || entry.time.start > 51'000) {
                EXPECT_NEAR(static_cast<double>(entry.busy) / (entry.count * 10.0), expected, 0.01) << width;
            }
            sum += entry.busy;
        }
        EXPECT_NEAR(static_cast<double>(sum), 55'000, 300) << width;
    }
}

TEST(VisibleSpans, OfOneDepthAreThoseOfThatDepth)
{
    Trace trace = traceOf({{0, 100}, {200, 300}});
    trace.tracks[0].rows.push_back(trace.tracks[0].rows[0]);
    std::vector<VisibleSpan> out(7);
    visibleSpans(trace, TrackId(0), 1, {0, 150}, 150, out);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].depth, 1);
    EXPECT_EQ(out[0].time, (TimeRange{0, 100}));
    EXPECT_EQ(out[0].busy, 100);
    visibleSpans(trace, TrackId(0), 2, {0, 150}, 150, out);
    EXPECT_TRUE(out.empty());
}

TEST(EventAt, FindsTheSpanUnderTheCursorAndTheNearestWithinTheTolerance)
{
    const Trace trace = traceOf({{10, 20}, {30, 40}});
    EXPECT_EQ(eventAt(trace, TrackId(0), 15, 0, 0), EventId(EventKind::Kernel, 0));
    EXPECT_EQ(eventAt(trace, TrackId(0), 28, 0, 3), EventId(EventKind::Kernel, 1));
    EXPECT_FALSE(eventAt(trace, TrackId(0), 25, 0, 1));
    EXPECT_FALSE(eventAt(trace, TrackId(0), 15, 1, 0));
}

TEST(VisibleCounter, GivesTheExtremesOfEachPixelAndLeavesGaps)
{
    Trace trace;
    Track track;
    track.kind = TrackKind::Counter;
    track.counter.time = {0, 10, 12, 18, 95};
    track.counter.value = {1, 5, 2, 9, 4};
    trace.tracks.push_back(track);
    const auto pixels = visibleCounter(trace, TrackId(0), {10, 110}, 10);
    ASSERT_EQ(pixels.size(), 2u);
    EXPECT_EQ(pixels[0].x, 0);
    EXPECT_EQ(pixels[0].min, 1); // the sample before the window holds at its start
    EXPECT_EQ(pixels[0].max, 9);
    EXPECT_EQ(pixels[0].last, 9);
    EXPECT_EQ(pixels[1].x, 8);
}

} // namespace
} // namespace gantry::trace
