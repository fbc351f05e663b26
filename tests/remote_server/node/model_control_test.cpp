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
    EXPECT_EQ(problems[0].column, 3U);
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

// They were passed, and the server then refused to load them.
TEST(ConfigProblems, WhatEveryServerRefusesIsToldWithItsPlace)
{
    const auto first = [](const std::string& text) {
        const auto problems = configProblems(text);
        return problems.empty() ? "" : std::to_string(problems[0].line) + ": " + problems[0].message;
    };
    EXPECT_EQ(first("max_batch_size: 4\ndynamic_batching { preferred_batch_size: [ 4, 8 ] }"),
              "2: dynamic_batching.preferred_batch_size[1]: it must lie between 1 and max_batch_size, 4");
    EXPECT_EQ(first("input { name: \"A\" data_type: TYPE_FP32\n dims: 0 }"),
              "2: input[0].dims[0]: input \"A\": a dimension must be positive, or -1 for any");
    EXPECT_EQ(first("backend: \"onnxruntime\" sequence_batching { direct { } } instance_group { count: 100 kind: KIND_MODEL }"), "")
        << "Triton has these";
}

TEST(ConfigProblems, WhatGantryServeCannotDoIsToldWhereEveryServerIsOne)
{
    const auto server = [](const char* program) {
        proto::Target target;
        target.argv = {program};
        target.state = proto::TargetState::Running;
        target.grpcAddress = "127.0.0.1:8001";
        return target;
    };
    const std::string text = "\nbackend: \"onnxruntime\"";
    const auto problems = configProblems(text, {server("/opt/gantry/gantry-serve")});
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].line, 2u);
    EXPECT_THAT(problems[0].message, HasSubstr("there is no backend \"onnxruntime\""));
    EXPECT_TRUE(configProblems(text, {server("gantry-serve"), server("tritonserver")}).empty());
}

} // namespace
} // namespace gantry::node
