#include "trace_model/base/silence_watch.h"

#include <gtest/gtest.h>

#include <future>

namespace gantry {
namespace {

using namespace std::chrono_literals;

TEST(SilenceWatch, CallsOnceWhenNothingIsHeardAnyMore)
{
    std::atomic<int> calls{0};
    std::promise<void> called;
    {
        SilenceWatch watch(5ms, [&] {
            if (++calls == 1)
                called.set_value();
        });
        for (int i = 0; i < 10; ++i)
            watch.heard();
        called.get_future().wait();
        EXPECT_TRUE(watch.isSilent());
        watch.heard();
    }
    EXPECT_EQ(calls, 1);
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
