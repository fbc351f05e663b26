#include "remote_server/inference/backends/bert.h"
#include "remote_server/inference/backends/cuda_model.h"
#include "remote_server/inference/backends/decoder_cpu.h"
#include "remote_server/inference/backends/decoder_gpu.h"
#include "remote_server/inference/inflight_batcher.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

namespace gantry::inference_server {
namespace {

using Sequences = std::vector<std::vector<std::int64_t>>;

/// What a configuration computes on the GPU, or on the CPU.
class GpuBackends : public testing::Test
{
protected:
    void SetUp() override
    {
        if (const auto gpu = CudaModel::load({}, BertWeights::random({1, 8, 1, 8, 8, 8}, 1)); !gpu)
            GTEST_SKIP() << gpu.error().text();
    }

    static inference::ModelConfig bert(const std::string& more = {})
    {
        inference::ModelConfig config;
        EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
            name: "bert" backend: "bert" max_batch_size: 8
            input { name: "input_ids" data_type: TYPE_INT64 dims: -1 }
            output { name: "h" data_type: TYPE_FP32 dims: [ -1, 768 ] }
            output { name: "pooled" data_type: TYPE_FP32 dims: [ 768 ] }
            parameters { key: "layers" value { string_value: "12" } }
            parameters { key: "cpu_layers" value { string_value: "12" } }
            parameters { key: "seed" value { string_value: "1" } })" + more,
                                                                  &config));
        return config;
    }
    static inference::ModelConfig withPrecision(const std::string& precision)
    {
        return bert("parameters { key: \"precision\" value { string_value: \"" + precision + "\" } }");
    }

    /// Of each sequence its hidden states, and behind them its pooled output. `times`: the batch runs that often.
    static std::vector<std::vector<float>> run(const inference::ModelConfig& config, const Sequences& sequences, const BackendOptions& options = {},
                                               int times = 1)
    {
        auto factory = createBert(config, options);
        EXPECT_TRUE(factory) << factory.error().text();
        EXPECT_EQ((*factory)->platform(), options.allowGpu ? "gpu" : "cpu");
        RequestRanges ranges;
        auto instance = (*factory)->createInstance({.name = "bert_0"}, ranges);
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
        for (int i = 0; i < times; ++i)
            for (const auto step : {&Backend::computeInput, &Backend::computeInfer, &Backend::computeOutput}) {
                const auto done = ((**instance).*step)(batch);
                EXPECT_TRUE(done) << done.error().text();
            }
        std::vector<std::vector<float>> result;
        for (const auto& output : outputs) {
            std::vector<float>& values = result.emplace_back();
            for (const Tensor& tensor : output) {
                const std::size_t before = values.size();
                values.resize(before + tensor.data.size() / sizeof(float));
                std::memcpy(values.data() + before, tensor.data.data(), tensor.data.size());
            }
        }
        return result;
    }
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

TEST_F(GpuBackends, ComputeBertAsTheCpuDoesToTheRoundingOfTheirPrecision)
{
    const auto cpu = run(bert(), kSequences, {.allowGpu = false});
    // FP16 and TF32 have 11 bits; 12 layers of 4 products each add up to some multiples of 2^-11.
    for (const auto& [precision, most] : std::map<std::string, double>{{"fp16", 0.005}, {"tf32", 0.005}, {"fp32", 1e-5}}) {
        const auto gpu = run(withPrecision(precision), kSequences);
        for (std::size_t i = 0; i < kSequences.size(); ++i) {
            ASSERT_EQ(gpu[i].size(), (kSequences[i].size() + 1) * 768);
            ASSERT_EQ(cpu[i].size(), gpu[i].size());
            EXPECT_LT(distance(gpu[i], cpu[i]), most) << precision << ", sequence " << i;
            RecordProperty("rms_" + precision + "_" + std::to_string(i), std::to_string(distance(gpu[i], cpu[i])));
        }
        EXPECT_GT(distance(gpu[0], run(withPrecision(precision), {{8, 7, 6, 5, 4, 3, 2, 1}})[0]), 0.5) << "other tokens, other states";
    }
}

TEST_F(GpuBackends, GiveTheSameBitsWhateverMemoryTheyCopyThrough)
{
    const auto pageable = run(bert(), kSequences);
    EXPECT_EQ(run(bert(), kSequences, {.pinnedOutputs = true}), pageable);
    EXPECT_EQ(run(bert("optimization { input_pinned_memory { enable: true } output_pinned_memory { enable: true } }"), kSequences), pageable);
}

TEST_F(GpuBackends, GiveTheSameBitsByAGraphThatIsMadeAndThatComesAgain)
{
    const auto config = bert("optimization { cuda { graphs: true } }");
    const auto launched = run(bert(), kSequences);
    EXPECT_EQ(run(config, kSequences), launched);
    EXPECT_EQ(run(config, kSequences, {}, 3), launched);
}

TEST_F(GpuBackends, RefuseAPrecisionAndAGpuThatAreNotThere)
{
    const auto precision = createBert(withPrecision("fp8"), {});
    ASSERT_FALSE(precision);
    EXPECT_NE(precision.error().message.find("'fp8': it must be fp16, fp32 or tf32"), std::string::npos) << precision.error().message;
    const auto gpu = createBert(bert("instance_group { count: 1 kind: KIND_GPU gpus: 4000 }"), {});
    ASSERT_FALSE(gpu);
    EXPECT_NE(gpu.error().message.find("GPU 4000"), std::string::npos) << gpu.error().message;
}

TEST_F(GpuBackends, SayThatTheMemoryOfTheGpuIsNotEnough)
{
    auto config = bert();
    config.set_max_batch_size(100'000);
    auto factory = createBert(config, {});
    ASSERT_TRUE(factory) << factory.error().text();
    RequestRanges ranges;
    const auto instance = (*factory)->createInstance({.name = "bert_0"}, ranges);
    ASSERT_FALSE(instance);
    EXPECT_TRUE(instance.error().message.starts_with("out of GPU memory: ")) << instance.error().message;
    config.set_max_batch_size(2); // and it goes on
    EXPECT_EQ(run(config, {{1, 2, 3}}).front().size(), 4 * 768u);
}

/// All tokens of some requests that come one after the other.
std::map<std::uint64_t, std::vector<std::int32_t>> generate(InflightBatcher& batcher, int vocabulary)
{
    std::map<std::uint64_t, std::vector<std::int32_t>> made;
    for (std::uint64_t request = 0; request < 6 || !batcher.empty(); ++request) {
        if (request < 6) {
            Generation generation{{}, 24};
            for (std::uint64_t i = 0; i < 5 + 9 * request; ++i)
                generation.prompt.push_back(static_cast<std::int32_t>((request + 7 * i * i) % static_cast<std::uint64_t>(vocabulary)));
            batcher.add(request, generation);
        }
        static_cast<void>(batcher.plan());
        const auto computed = batcher.compute([](int, const std::function<void()>& run) { run(); });
        EXPECT_TRUE(computed) << computed.error().text();
        if (!computed)
            return {};
        for (const InflightBatcher::Token& token : batcher.takeTokens())
            made[token.request].push_back(token.id);
    }
    return made;
}

TEST_F(GpuBackends, MakeTheTokensThatADecoderMakesOnTheCpu)
{
    const BertWeights weights = BertWeights::random({4, 128, 4, 512, 500, 128}, 3);
    // So few blocks that requests are put out and begin again.
    const InflightBatcher::Limits limits{.blocks = 40, .tokensPerBlock = 4, .mostRequests = 6};
    InflightBatcher onCpu(std::make_unique<DecoderCpu>(weights, limits.cache()), limits);
    inference::ModelConfig config;
    (*config.mutable_parameters())["precision"].set_string_value("fp32");
    auto model = CudaModel::load(config, weights);
    ASSERT_TRUE(model) << model.error().text();
    auto engine = DecoderGpu::create(*model, {.name = "decoder_0"}, weights.shape.layers, limits.cache());
    ASSERT_TRUE(engine) << engine.error().text();
    InflightBatcher onGpu(std::move(*engine), limits);
    EXPECT_EQ(generate(onGpu, 500), generate(onCpu, 500));
}

} // namespace
} // namespace gantry::inference_server
