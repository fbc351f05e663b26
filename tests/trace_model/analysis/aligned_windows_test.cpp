#include "trace_model/analysis/aligned_windows.h"

#include "tests/support/event_script.h"
#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/iterations.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using By = WindowAlignment::By;

/// Steps of 80 ns each 100 ns from `first` on, each with a part and a kernel in it of `kernel` ns.
std::string training(int first, int steps, int kernel, int window = 2000)
{
    std::string script = "window 0.." + std::to_string(window) + "\n";
    for (int i = 0; i < steps; ++i) {
        const int at = first + 100 * i;
        const auto time = [at](int from, int to) { return std::to_string(at + from) + ".." + std::to_string(at + to); };
        script += "range 12 step_" + std::to_string(i) + " " + time(0, 80) + "\nrange 12 forward " + time(5, 40) +
                  "\nkernel gpu0/stream7 gemm " + time(10, 10 + kernel) + "\n";
    }
    return script;
}

WindowAlignment alignmentOf(std::string_view text)
{
    const auto alignment = parseAlignment(text);
    EXPECT_TRUE(alignment) << text;
    return alignment ? *alignment : WindowAlignment();
}

TEST(AlignedWindows, AreAsLongAsBothGoOnFromTheInstant)
{
    const auto a = test::traceOf("window 0..1000\nrange 12 step 200..210\n"), b = test::traceOf("window 0..600\nrange 12 step 400..410\n");
    const auto byRange = alignedWindows(*a, *b, alignmentOf("range:step"));
    ASSERT_TRUE(byRange) << byRange.error().message;
    EXPECT_EQ(byRange->windows[0], (TimeRange{200, 400}));
    EXPECT_EQ(byRange->windows[1], (TimeRange{400, 600}));
    EXPECT_EQ(byRange->shift(), 200);
    EXPECT_EQ(byRange->sentence, "Aligned by range 'step': 200 ns of A from 200 ns on, 200 ns of B from 400 ns on.");
    const auto byStart = alignedWindows(*a, *b, {});
    ASSERT_TRUE(byStart);
    EXPECT_EQ(byStart->windows[0], (TimeRange{0, 600}));
    EXPECT_EQ(byStart->windows[1], (TimeRange{0, 600}));
}

TEST(AlignedWindows, ByHandAreWhereBothAreThere)
{
    const auto a = test::traceOf("window 0..1000\nrange 12 x 1..2\n"), b = test::traceOf("window 0..600\nrange 12 x 1..2\n");
    WindowAlignment hand{By::Hand, {}, 0, 100}; // 0 of A lies beside 100 of B
    const auto later = alignedWindows(*a, *b, hand);
    ASSERT_TRUE(later);
    EXPECT_EQ(later->windows[0], (TimeRange{0, 500}));
    EXPECT_EQ(later->windows[1], (TimeRange{100, 600}));
    hand.shift = -300;
    const auto earlier = alignedWindows(*a, *b, hand);
    ASSERT_TRUE(earlier);
    EXPECT_EQ(earlier->windows[0], (TimeRange{300, 900}));
    EXPECT_EQ(earlier->windows[1], (TimeRange{0, 600}));
    hand.shift = 5000;
    const auto apart = alignedWindows(*a, *b, hand);
    ASSERT_FALSE(apart);
    EXPECT_EQ(apart.error().code, ErrorCode::BadInput);
}

TEST(AlignedWindows, ByIterationHoldAsManyOfEach)
{
    const auto a = test::traceOf(training(100, 10, 20)), b = test::traceOf(training(500, 6, 20));
    const auto aligned = alignedWindows(*a, *b, alignmentOf("iteration"));
    ASSERT_TRUE(aligned) << aligned.error().message;
    EXPECT_EQ(aligned->iterations, 6u);
    EXPECT_EQ(aligned->windows[0], (TimeRange{100, 680}));                                       // the sixth ends
    EXPECT_EQ(aligned->windows[1], (TimeRange{500, 1080}));                                      // and here, where it is the last
    EXPECT_NE(aligned->sentence.find("range 'step_#'"), std::string::npos) << aligned->sentence; // and not the part of it
    const auto byName = alignedWindows(*a, *b, alignmentOf("iteration:forward"));
    ASSERT_TRUE(byName);
    EXPECT_EQ(byName->windows[0].start, 105);
}

TEST(ComparedSides, BlocksOfReportsOfNearlyOneLengthHoldAllOfTheirTimeEvenly)
{
    const auto a = test::traceOf("window 0..1000000\n"), b = test::traceOf("window 0..1030000\n");
    const auto sides = comparedSides(*a, *b);
    for (const ComparedSide& side : sides) {
        const auto count = static_cast<DurationNs>(side.blocks.count);
        EXPECT_GE(side.blocks.length * count, side.time().duration());
        EXPECT_LT(side.blocks.length * count - side.time().duration(), count); // the last one is no longer than the others
    }
    EXPECT_EQ(sides[0].blocks.count, sides[1].blocks.count);
}

TEST(AlignedWindows, ThatLackWhatTheyAreAlignedBySayWhatThereIsInstead)
{
    const auto a = test::traceOf(training(0, 5, 20)), b = test::traceOf("window 0..2000\nrange 12 forward 5..6\n");
    const auto range = alignedWindows(*a, *b, alignmentOf("range:step_1"));
    ASSERT_FALSE(range);
    EXPECT_EQ(range.error().message, "B has no range 'step_1'; ranges that both have: forward");
    const auto request = alignedWindows(*a, *b, alignmentOf("request:3"));
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().message, "A and B have no request 3; A has 0 complete requests and B 0");
    EXPECT_FALSE(alignedWindows(*a, *b, alignmentOf("iteration")));
}

TEST(AlignedWindows, OfAWordThatIsNoneSayWhichThereAre)
{
    for (const char* text : {"", "range", "range:", "request:", "request:0", "request:-1", "request:two", "iteration:", "middle"}) {
        const auto alignment = parseAlignment(text);
        ASSERT_FALSE(alignment) << text;
        EXPECT_EQ(alignment.error().code, ErrorCode::BadInput);
    }
    EXPECT_EQ(alignmentOf("request:3").index, 2u);
    EXPECT_EQ(alignmentOf("range:a:b").text, "a:b");
}

TEST(AlignedWindows, AreWhatIsCompared)
{
    // The first steps of A are slow and B has none of them.
    const auto a = test::traceOf(training(0, 5, 60) + training(500, 10, 20)), b = test::traceOf(training(0, 10, 20));
    EXPECT_GT(compare(*a, *b).kernels.front().a, 20.0);
    ComparisonOptions options;
    options.alignment = WindowAlignment{By::Hand, {}, 0, -500};
    const auto cut = compare(*a, *b, options);
    ASSERT_TRUE(cut) << cut.error().message;
    EXPECT_EQ(cut->kernels.front().a, 20.0);
    EXPECT_EQ(cut->kernels.front().countA, 10u);
    EXPECT_EQ(cut->kernels.front().countB, 10u);
    ASSERT_TRUE(cut->aligned);
    EXPECT_EQ(cut->aligned->windows[0].start, 500);
}

TEST(Iterations, AreExecutionsWhereNoRangeRepeats)
{
    std::string script = "window 0..2000\n";
    for (int i = 0; i < 4; ++i)
        script += "execution " + std::to_string(i + 1) + " thread 12 model bert:1 instance bert_0 " + std::to_string(i * 100) + ".." +
                  std::to_string(i * 100 + 50) + "\n";
    for (int i = 0; i < 4; ++i)
        script += "request " + std::to_string(i + 1) + " model bert:1 " + std::to_string(i * 100) + ".." + std::to_string(i * 100 + 60) +
                  " batch " + std::to_string(i + 1) + "\n";
    const auto trace = test::traceOf(script);
    const auto both = commonIterations(*trace, *trace, {});
    ASSERT_TRUE(both);
    EXPECT_EQ((*both)[0].of, "executions of bert_0");
    EXPECT_EQ((*both)[0].times.size(), 4u);
}

} // namespace
} // namespace gantry::analysis
