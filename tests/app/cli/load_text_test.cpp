#include "app/cli/load_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// It said "p50 0 ns" of a server that had answered nothing.
TEST(LoadText, WithoutASuccessThereIsNoLatency)
{
    load::LoadResult result;
    result.sent = 3;
    result.seconds = 2;
    EXPECT_EQ(text(result), "3 sent, 0 ok in 2.0 s: 0.0 req/s · p50 none · p90 none · p99 none · max none");
    EXPECT_THAT(progressText({}), Not(HasSubstr("0 ns")));
}

TEST(LoadText, LatenciesOfSuccessesAreShown)
{
    load::LoadResult result;
    result.sent = result.ok = 3;
    result.p50 = 1'500'000;
    result.p99 = result.max = 2'000'000;
    EXPECT_THAT(text(result), HasSubstr("p50 1.500 ms"));
    EXPECT_THAT(text(result), HasSubstr("max 2.000 ms"));
    load::LoadProgress progress;
    progress.ok = 3;
    progress.p99 = 2'000'000;
    EXPECT_THAT(progressText(progress), HasSubstr("p99 2.000 ms"));
}

TEST(LoadText, ResponsesOfADecoupledModelAreBesideItsRequests)
{
    load::LoadResult result;
    result.sent = result.ok = 2;
    result.stream.emplace();
    result.stream->responses = 8;
    result.stream->responsesPerSecond = 4;
    result.stream->first = load::Spread{2, 1'000'000, 0, 0, 3'000'000, 4'000'000, 2'000'000, 0};
    EXPECT_THAT(breakdownText(result), HasSubstr("8 responses, 4.0 a second"));
    EXPECT_THAT(breakdownText(result), HasSubstr("first response (TTFT): mean 2.000 ms · p50 1.000 ms"));
    EXPECT_THAT(breakdownText(result), HasSubstr("between responses (ITL): none"));
    const nlohmann::json document = toJson(result);
    EXPECT_EQ(document["stream"]["responses"], 8);
    EXPECT_EQ(document["stream"]["first_response"]["p99_ns"], 3'000'000);
    EXPECT_TRUE(document["stream"]["between_responses"].is_null()) << "absent is not 0";
    load::LoadResult other;
    EXPECT_THAT(levelTable({result, other}), HasSubstr("responses/s"));
    EXPECT_THAT(levelTable({other, other}), Not(HasSubstr("responses/s")));
    EXPECT_TRUE(toJson(other)["stream"].is_null());
}

} // namespace
} // namespace gantry::cli
