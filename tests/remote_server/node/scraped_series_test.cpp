#include "remote_server/node/sampling/scraped_series.h"

#include "remote_server/node/sampling/metrics_sink.h"

#include <gtest/gtest.h>

#include <set>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

/// What a scrape says, by the uid of each pod.
class PodsRound : public SampleRound
{
public:
    void report(std::string_view, const std::map<std::string, std::string>& labels, std::string_view, metrics::SeriesKind, std::string_view,
                double value) override
    {
        values[labels.at("uid")] = value;
    }
    std::map<std::string, double> values;
};

std::string pods(int first, int count)
{
    std::string body;
    for (int i = first; i < first + count; ++i)
        body += "pod{uid=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
    return body;
}

TEST(ScrapedSeries, PodsThatHaveEndedMakeRoomAndOthersInTheirPlacesHaveTheirOwnValues)
{
    constexpr int kMost = 4 * static_cast<int>(kMostSeriesPerSource);
    ScrapedSeries series("t1");
    const auto begin = ScrapedSeries::Clock::now();
    EXPECT_TRUE(series.read(pods(0, kMost), begin).others.empty());
    const auto early = series.read(pods(kMost, 10), begin + 10s);
    EXPECT_EQ(early.others.size(), 10U) << "there is no room as long as the others may come again";
    (void)series.read(pods(0, 5), begin + 50s); // these live on
    const auto late = series.read(pods(0, 5) + pods(kMost, 10), begin + 100s);
    EXPECT_TRUE(late.others.empty());
    PodsRound round;
    series.report(late, round);
    EXPECT_EQ(round.values.size(), 15U);
    for (const auto& [uid, value] : round.values)
        EXPECT_EQ(value, std::stod(uid));
}

/// What is reported, with its time.
class IterationsRound : public SampleRound
{
public:
    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit, metrics::SeriesKind,
                std::string_view, double value) override
    {
        said += std::string(name) + ' ' + labels.at("target") + ' ' + std::string(unit) + ' ' + std::to_string(m_time) + ' ' +
                std::to_string(static_cast<int>(value)) + '\n';
    }
    void setTime(TimestampNs time) override { m_time = time; }
    std::string said;

private:
    TimestampNs m_time = 0;
};

std::string reported(ScrapedSeries& series, ScrapedSeries::Scrape scrape, TimestampNs time = 5)
{
    IterationsRound round;
    scrape.time = time;
    series.report(scrape, round);
    return round.said;
}

// 08-23-2026 01:02:04 UTC is 1'787'446'924 s since 1970.
constexpr ScrapedSeries::Now kThen{1'000'000'000'000, 1'787'446'924'000'000'000, 0};

TEST(ScrapedSeries, IterationsAreAtTheirOwnTimes)
{
    ScrapedSeries series("t1");
    const auto scrape = series.readIterations(R"([{"timestamp": "08-23-2026 01:02:03.000000", "iterLatencyMS": 12},
        {"timestamp": "08-23-2026 01:02:03.500000", "iterLatencyMS": 11}])",
                                              kThen);
    EXPECT_EQ(reported(series, scrape), "trtllm.iterLatencyMS t1 ms 999000000000 12\ntrtllm.iterLatencyMS t1 ms 999500000000 11\n");
    const auto again = series.readIterations(R"([{"timestamp": "08-23-2026 01:02:03.500000", "iterLatencyMS": 11}])", kThen);
    EXPECT_EQ(reported(series, again), "") << "no point is before one that is there";
}

TEST(ScrapedSeries, AnIterationThatIsYetToComeDoesNotHideTheOthers)
{
    ScrapedSeries series("t1");
    const auto scrape = series.readIterations(R"([{"timestamp": "01-01-2200 00:00:00.0", "iterLatencyMS": 12},
        {"timestamp": "08-23-2026 01:02:03.500000", "iterLatencyMS": 11}])",
                                              kThen);
    EXPECT_EQ(reported(series, scrape), "trtllm.iterLatencyMS t1 ms 999500000000 11\n");
}

TEST(ScrapedSeries, OfIterationsWithoutATimeTheNewestIsAtThatOfTheAnswer)
{
    ScrapedSeries series("t1");
    EXPECT_EQ(reported(series, series.readIterations(R"([{"numActiveRequests": 1}, {"numActiveRequests": 2}])", kThen)),
              "trtllm.numActiveRequests t1 count 5 2\n");
    EXPECT_EQ(reported(series, series.readIterations(R"([{"numActiveRequests": 3, "timestamp": "08-23-2020 01:02:03.0"}])", kThen)),
              "trtllm.numActiveRequests t1 count 5 3\n")
        << "a clock that is not right";
    EXPECT_TRUE(series.readIterations("[]", kThen).isEmpty());
}

} // namespace
} // namespace gantry::node
