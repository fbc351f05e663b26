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

} // namespace
} // namespace gantry::cli
