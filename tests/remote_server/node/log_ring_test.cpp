#include "remote_server/node/log_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

TEST(LogRing, StartsAReaderAtTheLastLinesAskedFor)
{
    LogRing ring;
    for (const char* line : {"one", "two", "three"})
        ring.add(line);
    std::uint64_t sequence = ring.tail(2);
    const auto lines = ring.follow(sequence, 0ms);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].text, "two");
    EXPECT_EQ(lines[1].text, "three");
    EXPECT_GT(lines[0].utcNs, 0);
}

TEST(LogRing, AskedForMoreLinesThanThereAreGivesAll)
{
    LogRing ring;
    ring.add("one");
    std::uint64_t sequence = ring.tail(100);
    EXPECT_EQ(ring.follow(sequence, 0ms).size(), 1U);
}

TEST(LogRing, TellsASlowReaderHowManyLinesItMissed)
{
    LogRing ring(3);
    std::uint64_t sequence = ring.tail(0);
    for (int i = 0; i < 10; ++i)
        ring.add(std::to_string(i));
    const auto lines = ring.follow(sequence, 0ms);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].text, "7");
    EXPECT_EQ(lines[0].droppedLines, 7U);
    EXPECT_TRUE(ring.follow(sequence, 0ms).empty());
}

TEST(LogRing, WakesAReaderThatWaits)
{
    LogRing ring;
    std::uint64_t sequence = ring.tail(0);
    std::jthread writer([&] { ring.add("late"); });
    const auto lines = ring.follow(sequence, 10s);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].text, "late");
}

TEST(LogRing, BoundsTheLengthOfALine)
{
    LogRing ring;
    ring.add(std::string(1'000'000, 'x'));
    std::uint64_t sequence = ring.tail(1);
    EXPECT_LE(ring.follow(sequence, 0ms).at(0).text.size(), 8192U);
}

} // namespace
} // namespace gantry::node
