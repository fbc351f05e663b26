#include "remote_server/inference/iteration_profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::Pair;

/// What is called around iterations 0 to 9, which stand between the calls.
std::string profiled(const std::string& windows, int instances = 1)
{
    std::string calls;
    {
        IterationProfiler profiler(*iterationWindows(windows), {[&] { calls += '<'; }, [&] { calls += '>'; }});
        for (int iteration = 0; iteration < 10; ++iteration) {
            for (int i = 0; i < instances; ++i)
                profiler.begin(iteration);
            calls += std::to_string(iteration);
            for (int i = 0; i < instances; ++i)
                profiler.end(iteration);
        }
    }
    return calls;
}

TEST(IterationProfiler, StartsBeforeAndStopsAfterTheIterationsThatAreAskedFor)
{
    EXPECT_EQ(profiled("0,3,9"), "<0>12<3>45678<9>");
    EXPECT_EQ(profiled("2-4,6"), "01<234>5<6>789");
    EXPECT_EQ(profiled("2-5,4"), "01<2345>6789") << "one in the other";
    EXPECT_EQ(profiled("4,12"), "0123<4>56789");
    EXPECT_EQ(profiled("4", 2), "0123<4>56789") << "of two instances";
    EXPECT_EQ(profiled("8-12"), "01234567<89>") << "the server ends before the window does";
}

TEST(IterationWindows, AreNumbersAndRanges)
{
    EXPECT_THAT(*iterationWindows("0,63,127"), ElementsAre(Pair(0, 0), Pair(63, 63), Pair(127, 127)));
    EXPECT_THAT(*iterationWindows("5-7"), ElementsAre(Pair(5, 7)));
    for (const char* text : {"", ",", "1,", "x", "-3", "3-", "7-5", "1 ", "99999999999999999999"})
        EXPECT_FALSE(iterationWindows(text)) << text;
    EXPECT_EQ(iterationWindows("1,x").error().message, "\"x\" names no iterations: give numbers such as 0,63,127, or ranges such as 10-20");
}

} // namespace
} // namespace gantry::inference_server
