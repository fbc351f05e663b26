#include "remote_server/node/sample_history.h"

#include <gtest/gtest.h>

namespace gantry::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

class SampleHistoryTest : public testing::Test
{
protected:
    void define(std::uint32_t id)
    {
        history.onDefinitions(std::vector<metrics::SeriesDefinition>{{id, "series_" + std::to_string(id), "count"}});
    }
    void sample(std::uint32_t id, std::int64_t time) { history.onSamples(std::vector<metrics::Sample>{{id, time, 1}}); }
    void remove(std::uint32_t id) { history.onRemoved(std::vector<std::uint32_t>{id}); }
    WindowCapture copy() const
    {
        WindowCapture window;
        history.copyTo(window);
        return window;
    }

    SampleHistory history;
};

TEST_F(SampleHistoryTest, KeepsSomeSecondsOfSamplesAndAllFromTheWindowOn)
{
    define(1);
    for (int second = 0; second < 60; ++second)
        sample(1, second * kSecond);
    EXPECT_GE(copy().samples.front().time, 45 * kSecond);
    history.keepFrom(60 * kSecond);
    for (int second = 60; second < 120; ++second)
        sample(1, second * kSecond);
    EXPECT_GE(copy().samples.front().time, 45 * kSecond);
    EXPECT_LE(copy().samples.front().time, 50 * kSecond) << "the rate before the window";
    EXPECT_EQ(copy().samples.back().time, 119 * kSecond);
}

TEST_F(SampleHistoryTest, ForgetsARemovedSeriesOnlyAfterItsSamples)
{
    define(1);
    define(2);
    sample(1, 10 * kSecond);
    remove(1);
    sample(2, 11 * kSecond);
    EXPECT_EQ(copy().series.size(), 2U) << "a window may still record the last sample";
    sample(2, 60 * kSecond);
    ASSERT_EQ(copy().series.size(), 1U);
    EXPECT_EQ(copy().series[0].id, 2U);
}

TEST_F(SampleHistoryTest, CountsDroppedSamplesOfTheWindowAlone)
{
    history.onDropped(5);
    history.beginWindow();
    history.onDropped(3);
    EXPECT_EQ(copy().droppedSamples, 3U);
}

} // namespace
} // namespace gantry::node
