#include "trace_model/base/nearest_words.h"

#include <gtest/gtest.h>

namespace gantry {
namespace {

using Words = std::vector<std::string>;

TEST(NearestWords, AreThoseThatTakeTheFewestChanges)
{
    EXPECT_EQ(nearestWords("latencv", {"queue", "latency", "late"}), (Words{"latency", "late", "queue"}));
    EXPECT_EQ(nearestWords("queue", {"failures", "queue"}), (Words{"queue", "failures"}));
}

TEST(NearestWords, AWordThatHoldsWhatWasTypedIsNear)
{
    EXPECT_EQ(nearestWords("power", {"memory", "gpu_power_w", "tower"}), (Words{"tower", "gpu_power_w", "memory"}));
}

TEST(NearestWords, KeepTheirOrderWhereNothingTellsThemApart)
{
    EXPECT_EQ(nearestWords("", {"b", "a"}), (Words{"b", "a"}));
    EXPECT_EQ(nearestWords("x", {}), Words{});
}

} // namespace
} // namespace gantry
