#include "trace_model/analysis/window_alignment.h"

#include "tests/support/event_script.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using By = WindowAlignment::By;

TEST(WindowAlignment, FindsTheNthRequestAndRange)
{
    const auto trace = test::traceOf("window 0..1000\nrequest 1 model bert:1 ..50\nrequest 2 model bert:1 100..150\nrequest 3 model bert:1 300..350\n"
                                     "range 12 step 200..210\nrange 12 step 400..410\nrange 12 other 20..30\n");
    EXPECT_EQ(anchorOf(*trace, {By::Start, {}, 0}), trace->time.start);
    EXPECT_EQ(anchorOf(*trace, {By::Request, {}, 1}), 300); // the first one is cut by the window
    EXPECT_EQ(anchorOf(*trace, {By::Range, "step", 1}), 400);
    EXPECT_FALSE(anchorOf(*trace, {By::Request, {}, 2}));
    EXPECT_FALSE(anchorOf(*trace, {By::Range, "missing", 0}));
}

TEST(WindowAlignment, OffersRangesThatBothHaveTheMostFrequentFirst)
{
    const auto a = test::traceOf("window 0..1000\nrange 12 once 1..2\nrange 12 step 200..210\nrange 12 step 400..410\nrange 12 alone 5..6\n");
    const auto b = test::traceOf("window 0..1000\nrange 12 step 200..210\nrange 12 once 1..2\nrange 12 request 3..4 domain gantry.serve\n");
    EXPECT_EQ(commonRanges(*a, *b), (std::vector<std::string>{"step", "once"}));
    EXPECT_EQ(commonRanges(*a, *b, 1).size(), 1u);
}

} // namespace
} // namespace gantry::analysis
