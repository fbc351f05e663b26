#include "trace_model/trace/request_tracks.h"

#include "tests/support/event_script.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The requests of each lane.
std::vector<std::uint64_t> requestsOf(const Trace& trace, const ChosenRequests& chosen)
{
    std::vector<std::uint64_t> ids;
    for (const DepthRow& lane : chosen.rows) {
        const auto request = trace.phases.request[lane.event[0].row()];
        for (const EventId phase : lane.event)
            EXPECT_EQ(trace.phases.request[phase.row()], request);
        ids.push_back(trace.requests[request.value].id);
    }
    return ids;
}

TEST(SlowestRequests, AreThoseThatOverlapTheWindowWithAllOfTheirPhases)
{
    std::string script =
        "window 0..100000\nrequest 1 model bert:1 0..90000 queue 0..40\nrequest 2 model bert:1 100..130 queue 100..120\n"
        "request 3 model bert:1 200..290 queue 200..220\nrequest 4 model bert:1 ..250\nrequest 5 model add_sub:1 210..230\n";
    for (int i = 0; i < 30; ++i)
        script += fmt::format("request {} model bert:1 {}..{}\n", 100 + i, 50'000 + i, 50'100 + 2 * i);
    const auto trace = test::traceOf(script);
    const auto chosenIn = [&](TimeRange window) {
        auto chosen = slowestRequests(*trace, window);
        EXPECT_EQ(chosen.size(), 1u) << "one request of add_sub is in no order";
        return std::move(chosen.begin()->second);
    };
    const ChosenRequests few = chosenIn({110, 220});
    EXPECT_THAT(requestsOf(*trace, few), ElementsAre(1, 3, 2)) << "and not the one that the window of the recording cuts";
    EXPECT_EQ(few.rows[1].size(), 2u);
    EXPECT_EQ(few.detail, "3 requests in view");
    EXPECT_THAT(requestsOf(*trace, chosenIn({130, 200})), ElementsAre(1)) << "what ends or begins at its edge does not overlap it";
    const ChosenRequests many = chosenIn({40'000, 60'000});
    EXPECT_EQ(many.rows.size(), 20u);
    EXPECT_EQ(many.detail, "20 of 31 requests in view");
    const ChosenRequests none = chosenIn({95'000, 96'000});
    EXPECT_THAT(none.rows, IsEmpty());
    EXPECT_EQ(none.detail, "0 requests in view");
    for (const Track& track : trace->tracks)
        if (track.name == "Slowest first") {
            EXPECT_EQ(requestsOf(*trace, chosenIn(trace->time)), requestsOf(*trace, {track.rows, {}})) << "as it is at first";
        }
}

} // namespace
} // namespace gantry::trace
