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

} // namespace
} // namespace gantry::node
