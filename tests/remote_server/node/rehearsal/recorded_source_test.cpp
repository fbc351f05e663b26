#include "remote_server/node/rehearsal/recorded_source.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace gantry::node {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;

using Played = std::vector<std::tuple<std::string, TimestampNs, double>>; // name, offset from the start, value

/// A recording of 4 s: a counter that goes up each 200 ms, a gauge of another target, and a line a second.
proto::NodeRecording countingRecording()
{
    proto::NodeRecording recording;
    recording.lengthNs = 4 * kSecond;
    recording.series = {{1, "requests", "count", metrics::SeriesKind::Counter, {{"target", "t1"}}, ""},
                        {2, "queue", "count", metrics::SeriesKind::Gauge, {{"target", "t2"}}, ""}};
    for (int i = 0; i < 20; ++i) {
        recording.samples.push_back({1, i * kSecond / 5, 100.0 + i});
        recording.samples.push_back({2, i * kSecond / 5, 0.5 * i});
    }
    for (int i = 0; i < 4; ++i)
        recording.log.push_back({i * kSecond + 1, "t1", "line " + std::to_string(i)});
    return recording;
}

/// Plays on a clock of its own.
class RecordedSourceTest : public testing::Test, public SampleRound
{
protected:
    RecordedSourceTest()
    {
        options.now = [this] { return now; };
    }

    void setTime(TimestampNs time) override { m_time = time; }
    void report(std::string_view name, const std::map<std::string, std::string>&, std::string_view, metrics::SeriesKind, std::string_view,
                double value) override
    {
        played.emplace_back(name, m_time - kStart, value);
    }

    /// Calls the source each 100 ms, as the sampler of a rehearsal does.
    void playUntil(RecordedSource& source, DurationNs offset)
    {
        for (; now - kStart <= offset; now += kSecond / 10)
            source.sample(*this);
    }

    [[nodiscard]] std::vector<double> valuesOf(const std::string& name) const
    {
        std::vector<double> values;
        for (const auto& [played, time, value] : played)
            if (played == name)
                values.push_back(value);
        return values;
    }

    static constexpr TimestampNs kStart = 7'000 * kSecond;
    const proto::NodeRecording recording = countingRecording();
    TimestampNs now = kStart;
    RecordedSource::Options options;
    Played played;

private:
    TimestampNs m_time = 0;
};

TEST_F(RecordedSourceTest, PlaysEachSampleOnceAtItsOffset)
{
    RecordedSource source(recording, options);
    playUntil(source, 3 * kSecond);
    ASSERT_EQ(valuesOf("requests").size(), 16U); // 0 s to 3 s, both included
    for (std::size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(std::get<1>(played[2 * i]), static_cast<DurationNs>(i) * kSecond / 5);
        EXPECT_EQ(std::get<2>(played[2 * i]), 100.0 + static_cast<double>(i));
    }
}

TEST_F(RecordedSourceTest, GivesTheSameValuesAtTheSameOffsetsHoweverOftenItIsAsked)
{
    constexpr DurationNs kEnd = 18 * kSecond + kSecond * 3 / 4; // in the third round
    RecordedSource often(recording, options);
    playUntil(often, kEnd);
    const Played first = std::exchange(played, {});
    now = kStart;
    RecordedSource seldom(recording, options);
    for (; now - kStart <= kEnd; now += kSecond * 3 / 4)
        seldom.sample(*this);
    EXPECT_EQ(played.size(), 2U * (20 + 20 + 4));
    EXPECT_EQ(played, first);
}

TEST_F(RecordedSourceTest, BeginsWhereItIsTold)
{
    options.startOffset = 2 * kSecond;
    RecordedSource source(recording, options);
    playUntil(source, kSecond);
    ASSERT_FALSE(played.empty());
    EXPECT_EQ(std::get<1>(played.front()), 0);
    EXPECT_EQ(std::get<2>(played.front()), 110.0); // what the recording has at 2 s
}

TEST_F(RecordedSourceTest, FallsSilentAtTheEndAndBeginsAgainWithTheFirstValue)
{
    std::vector<std::uint64_t> rounds;
    options.onBeginAgain = [&](std::uint64_t round) { rounds.push_back(round); };
    RecordedSource source(recording, options);
    playUntil(source, 10 * kSecond);
    const std::vector<double> values = valuesOf("requests");
    ASSERT_GT(values.size(), 20U);
    EXPECT_EQ(values[19], 119.0);
    EXPECT_EQ(values[20], 100.0); // lower than before: a counter that restarted
    EXPECT_EQ(std::get<1>(played[40]) - std::get<1>(played[39]), RecordedSource::kSilence + kSecond / 5);
    EXPECT_EQ(rounds, std::vector<std::uint64_t>{2});
}

TEST_F(RecordedSourceTest, LeavesOutWhatATargetSaidThatWasStopped)
{
    options.isPlayed = [](const std::string& target) { return target != "t2"; };
    RecordedSource source(recording, options);
    playUntil(source, kSecond);
    EXPECT_EQ(valuesOf("requests").size(), 6U);
    EXPECT_TRUE(valuesOf("queue").empty());
}

TEST_F(RecordedSourceTest, PlaysLogLinesAtTheirOffsets)
{
    std::vector<std::string> lines;
    options.onLine = [&](const proto::RecordedLine& line) { lines.push_back(line.text); };
    RecordedSource source(recording, options);
    playUntil(source, 2 * kSecond);
    EXPECT_EQ(lines, (std::vector<std::string>{"line 0", "line 1"}));
}

TEST_F(RecordedSourceTest, DoesNotMakeUpForTheTimeInWhichTheMachineSlept)
{
    RecordedSource source(recording, options);
    source.sample(*this);
    played.clear();
    now = kStart + 1000 * 9 * kSecond + 3 * kSecond; // 1000 rounds later, 3 s into one
    source.sample(*this);
    ASSERT_FALSE(played.empty());
    EXPECT_LE(played.size(), 22U); // two seconds of two series
    EXPECT_EQ(std::get<2>(played.back()), 7.5);
}

} // namespace
} // namespace gantry::node
