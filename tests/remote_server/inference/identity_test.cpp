#include "remote_server/inference/backends/identity.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

inference::ModelConfig configOf(const std::string& text)
{
    inference::ModelConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: \"m\" backend: \"identity\" " + text, &config));
    return config;
}

constexpr char kTwo[] = R"(
    input [ { name: "A" data_type: TYPE_FP16 dims: 2 }, { name: "B" data_type: TYPE_STRING dims: -1 optional: true } ]
    output [ { name: "X" data_type: TYPE_FP16 dims: 2 }, { name: "Y" data_type: TYPE_STRING dims: -1 } ] )";

/// Names and data of what an instance makes of inputs, with "final" after the last of several responses.
std::vector<std::string> outputsOf(const std::string& config, const std::vector<Tensor>& inputs, bool decoupled = false,
                                   std::size_t stopAfter = 100)
{
    const auto factory = createIdentity(configOf(config));
    EXPECT_TRUE(factory);
    RequestRanges ranges;
    const auto backend = (*factory)->createInstance({}, ranges);
    std::vector<Tensor> outputs;
    std::vector<std::string> result;
    const auto note = [&](const std::vector<Tensor>& tensors) {
        for (const Tensor& tensor : tensors)
            result.push_back(tensor.name + "=" + tensor.data);
    };
    BatchItem item{&inputs, &outputs};
    if (decoupled)
        item.respond = [&](const std::vector<Tensor>& response, bool final) {
            note(response);
            if (final)
                result.emplace_back("final");
            return result.size() < stopAfter;
        };
    const std::vector<BatchItem> batch{item};
    EXPECT_TRUE((*backend)->computeInput(batch) && (*backend)->computeInfer(batch) && (*backend)->computeOutput(batch));
    note(outputs);
    return result;
}

TEST(Identity, GivesBackWhatItGetsUnderTheNamesOfItsOutputs)
{
    EXPECT_THAT(outputsOf(kTwo, {{"A", inference::TYPE_FP16, {2}, "abcd"}, {"B", inference::TYPE_STRING, {0}, ""}}),
                ElementsAre("X=abcd", "Y="));
    EXPECT_THAT(outputsOf(kTwo, {{"A", inference::TYPE_FP16, {2}, "abcd"}}), ElementsAre("X=abcd")) << "an optional input was left out";
}

TEST(Identity, RespondsSeveralTimesWhereItIsToldTo)
{
    const auto responses = [](const char* count) {
        return std::string(kTwo) + "parameters { key: \"responses\" value { string_value: \"" + count + "\" } }";
    };
    const std::vector<Tensor> inputs{{"A", inference::TYPE_FP16, {2}, "abcd"}};
    EXPECT_THAT(outputsOf(responses("2"), inputs, true), ElementsAre("X=abcd", "X=abcd", "final"));
    EXPECT_THAT(outputsOf(responses("0"), inputs, true), ElementsAre("final")) << "an empty response";
    EXPECT_THAT(outputsOf(kTwo, inputs, true), ElementsAre("X=abcd", "final"));
    EXPECT_THAT(outputsOf(responses("1000000000"), inputs, true, 2), ElementsAre("X=abcd", "X=abcd")) << "nobody takes more";
}

TEST(Identity, NeedsAnOutputOfTheSameTypeForEachInput)
{
    const auto refusal = [](const std::string& text) {
        const auto factory = createIdentity(configOf(text));
        return factory ? "(none)" : factory.error().text();
    };
    EXPECT_THAT(refusal(R"(input { name: "A" data_type: TYPE_FP32 dims: 1 })"), HasSubstr("as many outputs as inputs: it has 0 and 1"));
    EXPECT_THAT(refusal(R"(input { name: "A" data_type: TYPE_FP32 dims: 1 } output { name: "B" data_type: TYPE_INT32 dims: 1 })"),
                HasSubstr("output \"B\" must have the data_type of \"A\""));
}

} // namespace
} // namespace gantry::inference_server
