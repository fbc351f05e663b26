#include "remote_server/node/model_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::node {
namespace {

using testing::HasSubstr;

constexpr const char* kConfig =
    "name: \"m\"\nbackend: \"identity\"\nmax_batch_size: 8\ndynamic_batching { preferred_batch_size: [ 4, 8 ] }\n";

TEST(ConfigProblems, ATextThatTritonCouldReadHasNone)
{
    EXPECT_TRUE(configProblems(kConfig).empty());
    EXPECT_TRUE(configProblems("").empty()) << "Triton completes what is left out";
}

TEST(ConfigProblems, AnUnknownFieldIsToldWithItsPlace)
{
    const auto problems = configProblems("name: \"m\"\n  max_batch: 8\n");
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems[0].line, 2U);
    EXPECT_EQ(problems[0].column, 12U) << "behind its name";
    EXPECT_THAT(problems[0].message, HasSubstr("max_batch"));
}

TEST(ConfigProblems, AMissingBracketIsToldWhereTheTextEnds)
{
    const auto problems = configProblems("instance_group [ { count: 1 }\n");
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems[0].line, 2U);
}

TEST(ConfigProblems, AWordThatIsNoValueOfAFieldIsTold)
{
    const auto problems = configProblems("input [ { name: \"x\" data_type: FP32 dims: [ 1 ] } ]\n");
    ASSERT_FALSE(problems.empty());
    EXPECT_THAT(problems[0].message, HasSubstr("FP32"));
}

TEST(ConfigProblems, NestingWithoutEndIsAProblemAndNoCrash)
{
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "ensemble_scheduling { ";
    EXPECT_FALSE(configProblems(text).empty());
    text = "model_warmup { inputs { key: \"";
    text += std::string(2 << 20, 'x');
    EXPECT_FALSE(configProblems(text).empty()) << "more bytes than any configuration has";
}

} // namespace
} // namespace gantry::node
