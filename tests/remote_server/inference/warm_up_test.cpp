#include "remote_server/inference/warm_up.h"

#include "remote_server/inference/model_repository.h"
#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// An identity of one input, and its warm-up.
class WarmUp : public testing::Test
{
protected:
    Result<std::vector<WarmUpSample>> samples(const std::string& type, const std::string& dims, const std::string& data,
                                              const std::string& more = {})
    {
        m_repository.add("m", "backend: \"identity\" max_batch_size: 4 input { name: \"X\" data_type: " + type +
                                  " dims: -1 }\n"
                                  "model_warmup { name: \"w\" batch_size: 2 " +
                                  more + " inputs { key: \"X\" value { data_type: " + type + " dims: " + dims + " " + data + " } } }");
        const auto model = readModel(m_repository.path(), "m", AutoComplete::On);
        EXPECT_EQ(model->problem, "");
        return warmUpSamples(model->versions.at(0));
    }

    TestRepository m_repository;
};

TEST_F(WarmUp, MakesTheRequestThatTheConfigurationDescribes)
{
    const auto made = samples("TYPE_INT16", "3", "zero_data: true", "count: 5");
    ASSERT_TRUE(made) << made.error().text();
    ASSERT_EQ(made->size(), 1u);
    EXPECT_EQ(made->front().count, 5u);
    EXPECT_THAT(made->front().inputs.at(0).shape, ElementsAre(2, 3));
    EXPECT_EQ(made->front().inputs.at(0).data, std::string(12, '\0'));
}

TEST_F(WarmUp, RandomDataIsSmallNumbersAndTheSameEachTime)
{
    const auto made = samples("TYPE_FP32", "50", "random_data: true"), again = samples("TYPE_FP32", "50", "random_data: true");
    ASSERT_TRUE(made && again);
    const std::string& data = made->front().inputs.at(0).data;
    EXPECT_EQ(data, again->front().inputs.at(0).data);
    std::vector<float> numbers(100);
    ASSERT_EQ(data.size(), numbers.size() * sizeof(float));
    std::memcpy(numbers.data(), data.data(), data.size());
    EXPECT_THAT(numbers, testing::Each(testing::AllOf(testing::Ge(0), testing::Le(9))));
    EXPECT_THAT(numbers, testing::Contains(testing::Ne(numbers.front())));
}

TEST_F(WarmUp, StringsCarryTheirLengths)
{
    const auto zeros = samples("TYPE_STRING", "2", "zero_data: true");
    ASSERT_TRUE(zeros);
    EXPECT_EQ(zeros->front().inputs.at(0).data, std::string(16, '\0')) << "four empty ones";
    const auto random = samples("TYPE_STRING", "2", "random_data: true");
    ASSERT_TRUE(random);
    ASSERT_EQ(random->front().inputs.at(0).data.size(), 20u) << "four of one character";
    EXPECT_EQ(random->front().inputs.at(0).data.substr(5, 4), std::string("\1\0\0\0", 4));
}

TEST_F(WarmUp, TakesDataFromAFileOfTheModel)
{
    std::filesystem::create_directories(m_repository.path() / "m" / "warmup");
    test::writeFile(m_repository.path() / "m" / "warmup" / "x", "abcdef");
    const auto made = samples("TYPE_UINT8", "3", "input_data_file: \"x\"");
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_EQ(made->front().inputs.at(0).data, "abcdef");
    const auto other = samples("TYPE_UINT8", "4", "input_data_file: \"x\"");
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().text(), HasSubstr("m/warmup/x has 6 bytes, not 8"));
    const auto missing = samples("TYPE_UINT8", "3", "input_data_file: \"y\"");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
}

TEST_F(WarmUp, IsExecutedByABackendAndSaysWhichSampleFailed)
{
    const auto made = samples("TYPE_UINT8", "3", "zero_data: true");
    ASSERT_TRUE(made);
    const auto model = readModel(m_repository.path(), "m", AutoComplete::On);
    const auto factory = createBackendFactory(model->versions.at(0).config, {.allowGpu = false});
    ASSERT_TRUE(factory);
    RequestRanges ranges;
    const auto backend = (*factory)->createInstance({}, ranges);
    ASSERT_TRUE(backend);
    EXPECT_TRUE(warmUp(*made, **factory, **backend));

    m_repository.addTinyBert(
        "bert",
        R"(model_warmup { name: "too long" batch_size: 1
        inputs { key: "input_ids" value { data_type: TYPE_INT64 dims: 13 random_data: true } } })");
    const auto bert = readModel(m_repository.path(), "bert", AutoComplete::On);
    ASSERT_EQ(bert->problem, "");
    const auto started = ModelServer::start(bert->versions.at(0), 1, {.allowGpu = false}, std::make_shared<ServingParts>());
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().text(), HasSubstr("the sample \"too long\" of its model_warmup: 'input_ids' has a sequence of 13 tokens"));
}

} // namespace
} // namespace gantry::inference_server
