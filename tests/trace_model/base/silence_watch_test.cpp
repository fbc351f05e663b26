#include "trace_model/base/silence_watch.h"

#include <gtest/gtest.h>

#include <future>

namespace gantry {
namespace {

using namespace std::chrono_literals;

TEST(SilenceWatch, CallsOnceWhenNothingIsHeard)
{
    std::atomic<int> calls{0};
    std::promise<void> called;
    SilenceWatch watch(5ms, [&] {
        if (++calls == 1)
            called.set_value();
    });
    called.get_future().wait();
    EXPECT_TRUE(watch.isSilent());
    watch.heard();
    EXPECT_EQ(calls, 1);
}

TEST(SilenceWatch, WaitsAnewFromWhatItHeardLast)
{
    std::promise<std::chrono::steady_clock::time_point> called;
    SilenceWatch watch(40ms, [&] { called.set_value(std::chrono::steady_clock::now()); });
    std::chrono::steady_clock::time_point last;
    for (int i = 0; i < 10 && !watch.isSilent(); ++i) {
        last = std::chrono::steady_clock::now();
        watch.heard();
        std::this_thread::yield();
    }
    EXPECT_GE(called.get_future().get() - last, 40ms);
}

TEST(SilenceWatch, EndsWithoutACall)
{
    bool isCalled = false;
    {
        SilenceWatch watch(1h, [&] { isCalled = true; });
    }
    EXPECT_FALSE(isCalled);
}

} // namespace
} // namespace gantry
