#include "remote_server/inference/backends/bert.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace gantry::inference_server {
namespace {

using Sequences = std::vector<std::vector<std::int64_t>>;

/// A BERT of the real width and depth, computed by the backend that the options allow.
class BertOnBoth : public testing::Test
{
protected:
    void SetUp() override
    {
        ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
            name: "bert" backend: "bert" max_batch_size: 8
            input { name: "input_ids" data_type: TYPE_INT64 dims: -1 }
            output { name: "h" data_type: TYPE_FP32 dims: [ -1, 768 ] }
            parameters { key: "layers" value { string_value: "12" } }
            parameters { key: "cpu_layers" value { string_value: "12" } }
            parameters { key: "seed" value { string_value: "1" } })",
                                                                  &m_config));
        auto gpu = createBert(m_config, {});
        ASSERT_TRUE(gpu) << gpu.error().text();
        if ((*gpu)->platform() != "gpu")
            GTEST_SKIP() << "no GPU, or no CUDA backend beside this program";
    }

    std::vector<std::vector<float>> hidden(const BackendOptions& options, const Sequences& sequences)
    {
        auto factory = createBert(m_config, options);
        EXPECT_TRUE(factory) << factory.error().text();
        RequestRanges ranges;
        auto instance = (*factory)->createInstance({}, ranges);
        EXPECT_TRUE(instance) << instance.error().text();
        std::vector<std::vector<Tensor>> inputs, outputs(sequences.size());
        for (const auto& ids : sequences) {
            Tensor tensor{"input_ids", inference::TYPE_INT64, {1, static_cast<std::int64_t>(ids.size())}, {}};
            tensor.data.assign(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::int64_t));
            inputs.push_back({std::move(tensor)});
        }
        std::vector<BatchItem> batch;
        for (std::size_t i = 0; i < sequences.size(); ++i)
            batch.push_back({&inputs[i], &outputs[i]});
        for (const auto step : {&Backend::computeInput, &Backend::computeInfer, &Backend::computeOutput}) {
            const auto done = ((**instance).*step)(batch);
            EXPECT_TRUE(done) << done.error().text();
        }
        std::vector<std::vector<float>> result;
        for (const auto& output : outputs) {
            std::vector<float> values(output.at(0).data.size() / sizeof(float));
            std::memcpy(values.data(), output.at(0).data.data(), output.at(0).data.size());
            result.push_back(std::move(values));
        }
        return result;
    }

    inference::ModelConfig m_config;
};

/// Root mean square of the difference: every token's hidden state is normalised to 1.
double distance(const std::vector<float>& a, const std::vector<float>& b)
{
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    return std::sqrt(sum / static_cast<double>(a.size()));
}

const Sequences kSequences = {{1, 2, 3, 4, 5, 6, 7, 8}, {101, 7592, 2088, 102}, {29999, 0, 29999}, {5}};

TEST_F(BertOnBoth, GpuAndCpuAgreeToTheRoundingOfHalfPrecision)
{
    const auto gpu = hidden({}, kSequences), cpu = hidden({.allowGpu = false}, kSequences);
    for (std::size_t i = 0; i < kSequences.size(); ++i) {
        ASSERT_EQ(gpu[i].size(), kSequences[i].size() * 768);
        ASSERT_EQ(cpu[i].size(), gpu[i].size());
        // FP16 has 11 bits; 12 layers of 4 products each add up to some multiples of 2^-11.
        EXPECT_LT(distance(gpu[i], cpu[i]), 0.005) << "sequence " << i;
        RecordProperty("rms_" + std::to_string(i), std::to_string(distance(gpu[i], cpu[i])));
    }
    EXPECT_GT(distance(gpu[0], hidden({}, {{8, 7, 6, 5, 4, 3, 2, 1}})[0]), 0.5) << "other tokens, other states";
}

TEST_F(BertOnBoth, PinnedOutputsAreThoseOfPageableOnes)
{
    EXPECT_EQ(hidden({.pinnedOutputs = true}, kSequences), hidden({}, kSequences));
}

} // namespace
} // namespace gantry::inference_server
