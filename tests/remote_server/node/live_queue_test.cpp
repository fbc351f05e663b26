#include "remote_server/node/live_queue.h"

#include <gtest/gtest.h>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

std::vector<metrics::Sample> samplesFrom(TimestampNs first, int count)
{
    std::vector<metrics::Sample> samples;
    for (int i = 0; i < count; ++i)
        samples.push_back({1, first + i, static_cast<double>(i)});
    return samples;
}

TEST(LiveQueue, GivesDefinitionsBeforeOrWithTheFirstSamples)
{
    LiveQueue queue;
    queue.onDefinitions(std::vector<metrics::SeriesDefinition>{{1, "host_cpu_ratio", "ratio", metrics::SeriesKind::Gauge, {}, ""}});
    queue.onSamples(samplesFrom(10, 2));
    const auto batch = queue.take(0ms);
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->definitions.size(), 1U);
    EXPECT_EQ(batch->samples.size(), 2U);
    EXPECT_EQ(batch->sequence, 1U);
}

TEST(LiveQueue, NumbersBatchesAndGivesNoneWhenNothingHasGathered)
{
    LiveQueue queue;
    EXPECT_FALSE(queue.take(0ms));
    queue.onSamples(samplesFrom(0, 1));
    EXPECT_EQ(queue.take(0ms)->sequence, 1U);
    EXPECT_FALSE(queue.take(0ms));
    queue.onSamples(samplesFrom(1, 1));
    EXPECT_EQ(queue.take(0ms)->sequence, 2U) << "a gap would look like a lost batch";
}

TEST(LiveQueue, DropsTheOldestSamplesAndCountsThem)
{
    LiveQueue queue(100);
    queue.onSamples(samplesFrom(0, 250));
    const auto batch = queue.take(0ms);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->droppedSamples, 150U);
    ASSERT_EQ(batch->samples.size(), 100U);
    EXPECT_EQ(batch->samples.front().time, 150);
    EXPECT_EQ(batch->samples.back().time, 249);
}

TEST(LiveQueue, CountsDropsInTotalSinceTheStreamBegan)
{
    LiveQueue queue(10);
    queue.onSamples(samplesFrom(0, 15));
    EXPECT_EQ(queue.take(0ms)->droppedSamples, 5U);
    queue.onSamples(samplesFrom(20, 3));
    EXPECT_EQ(queue.take(0ms)->droppedSamples, 5U);
    queue.onSamples(samplesFrom(30, 12));
    EXPECT_EQ(queue.take(0ms)->droppedSamples, 7U);
}

TEST(LiveQueue, CountsWhatTheSamplerDropped)
{
    LiveQueue queue(10);
    queue.onSamples(samplesFrom(0, 12));
    queue.onDropped(30);
    EXPECT_EQ(queue.take(0ms)->droppedSamples, 32U);
}

} // namespace
} // namespace gantry::node
