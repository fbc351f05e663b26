#include "remote_server/inference/backends/bert.h"
#include "remote_server/inference/backends/bert_cpu.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gantry::inference_server {
namespace {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

constexpr BertShape kTiny{2, 8, 2, 16, 50, 12}; // layers, hidden, heads, ffn, vocabulary, positions

Row normalised(Row row)
{
    double mean = 0, variance = 0;
    for (const double x : row)
        mean += x / static_cast<double>(row.size());
    for (const double x : row)
        variance += (x - mean) * (x - mean) / static_cast<double>(row.size());
    for (double& x : row)
        x = (x - mean) / std::sqrt(variance + 1e-12);
    return row;
}

Matrix linear(const Matrix& in, const std::vector<float>& weights, const std::vector<float>& bias)
{
    Matrix out(in.size(), Row(bias.size()));
    for (std::size_t r = 0; r < in.size(); ++r)
        for (std::size_t n = 0; n < bias.size(); ++n) {
            out[r][n] = bias[n];
            for (std::size_t k = 0; k < in[r].size(); ++k)
                out[r][n] += in[r][k] * weights[n * in[r].size() + k];
        }
    return out;
}

Matrix sumNormalised(const Matrix& a, const Matrix& b)
{
    Matrix out = a;
    for (std::size_t r = 0; r < a.size(); ++r) {
        for (std::size_t i = 0; i < a[r].size(); ++i)
            out[r][i] += b[r][i];
        out[r] = normalised(out[r]);
    }
    return out;
}

/// BERT as the paper's formulas say it, one sequence at a time, in double.
Matrix reference(const BertWeights& w, const std::vector<int>& ids, const std::vector<int>& mask)
{
    const auto hidden = static_cast<std::size_t>(w.shape.hidden), heads = static_cast<std::size_t>(w.shape.heads), size = hidden / heads;
    Matrix x;
    for (std::size_t t = 0; t < ids.size(); ++t) {
        Row row(hidden);
        for (std::size_t i = 0; i < hidden; ++i)
            row[i] = static_cast<double>(w.tokens[static_cast<std::size_t>(ids[t]) * hidden + i]) +
                     static_cast<double>(w.positions[t * hidden + i]);
        x.push_back(normalised(row));
    }
    for (const BertLayerWeights& layer : w.layers) {
        const Matrix qkv = linear(x, layer.qkv, layer.qkvBias);
        Matrix context(ids.size(), Row(hidden));
        for (std::size_t head = 0; head < heads; ++head)
            for (std::size_t i = 0; i < ids.size(); ++i) {
                Row weights(ids.size());
                double sum = 0;
                for (std::size_t j = 0; j < ids.size(); ++j) {
                    double product = 0;
                    for (std::size_t e = 0; e < size; ++e)
                        product += qkv[i][head * size + e] * qkv[j][hidden + head * size + e];
                    weights[j] = mask[j] ? std::exp(product / std::sqrt(static_cast<double>(size))) : 0;
                    sum += weights[j];
                }
                for (std::size_t j = 0; j < ids.size(); ++j)
                    for (std::size_t e = 0; e < size; ++e)
                        context[i][head * size + e] += weights[j] / sum * qkv[j][2 * hidden + head * size + e];
            }
        x = sumNormalised(x, linear(context, layer.attentionOut, layer.attentionOutBias));
        Matrix up = linear(x, layer.up, layer.upBias);
        for (Row& row : up)
            for (double& value : row)
                value = 0.5 * value * (1 + std::erf(value / std::sqrt(2.0)));
        x = sumNormalised(x, linear(up, layer.down, layer.downBias));
    }
    return x;
}

TEST(BertCpuEncoder, ComputesWhatTheFormulasSay)
{
    const BertWeights weights = BertWeights::random(kTiny, 7);
    const std::vector<std::vector<int>> ids = {{1, 2, 3, 4, 5}, {49, 0, 7, 7, 30}};
    const std::vector<std::vector<int>> masks = {{1, 1, 1, 1, 1}, {1, 1, 0, 1, 0}};
    BertCpuEncoder encoder(weights, kTiny.layers);
    std::vector<std::int32_t> flatIds, flatMask;
    for (std::size_t b = 0; b < ids.size(); ++b) {
        flatIds.insert(flatIds.end(), ids[b].begin(), ids[b].end());
        flatMask.insert(flatMask.end(), masks[b].begin(), masks[b].end());
    }
    encoder.embed(flatIds, 2, 5);
    for (int layer = 0; layer < encoder.layers(); ++layer)
        encoder.runLayer(layer, flatMask);
    encoder.pool();
    for (std::size_t b = 0; b < ids.size(); ++b) {
        const Matrix expected = reference(weights, ids[b], masks[b]);
        const Row pooled = linear({expected[0]}, weights.pooler, weights.poolerBias)[0];
        for (std::size_t i = 0; i < 8; ++i)
            EXPECT_NEAR(encoder.pooled()[b * 8 + i], std::tanh(pooled[i]), 2e-5) << "sequence " << b << " pooled element " << i;
        for (std::size_t t = 0; t < 5; ++t)
            for (std::size_t i = 0; i < 8; ++i)
                EXPECT_NEAR(encoder.hidden()[(b * 5 + t) * 8 + i], expected[t][i], 2e-5)
                    << "sequence " << b << " token " << t << " element " << i;
    }
}

TEST(BertCpuEncoder, GivesNoNumbersThatAreNotWhenNothingMayBeAttendedTo)
{
    const BertWeights weights = BertWeights::random(kTiny, 7);
    BertCpuEncoder encoder(weights, 1);
    encoder.embed({1, 2}, 1, 2);
    encoder.runLayer(0, {0, 0});
    for (const float value : encoder.hidden())
        EXPECT_TRUE(std::isfinite(value));
}

/// The hidden states of a batch of sequences of one length, all attended to.
std::vector<float> encode(const BertWeights& weights, const std::vector<std::vector<std::int32_t>>& sequences)
{
    std::vector<std::int32_t> ids;
    for (const auto& sequence : sequences)
        ids.insert(ids.end(), sequence.begin(), sequence.end());
    BertCpuEncoder encoder(weights, weights.shape.layers);
    encoder.embed(ids, static_cast<int>(sequences.size()), static_cast<int>(sequences.front().size()));
    const std::vector<std::int32_t> mask(ids.size(), 1);
    for (int layer = 0; layer < encoder.layers(); ++layer)
        encoder.runLayer(layer, mask);
    return encoder.hidden();
}

TEST(BertCpuEncoder, GivesTheSameBitsForTheSameSeed)
{
    const std::vector<std::vector<std::int32_t>> sequences = {{1, 2, 3}, {4, 5, 6}};
    const auto first = encode(BertWeights::random(kTiny, 3), sequences);
    EXPECT_EQ(encode(BertWeights::random(kTiny, 3), sequences), first);
    EXPECT_NE(encode(BertWeights::random(kTiny, 4), sequences), first);
}

TEST(BertCpuEncoder, GivesASequenceTheSameInAnyBatch)
{
    const BertShape shape{2, 64, 4, 128, 50, 12};
    const BertWeights weights = BertWeights::random(shape, 5);
    const std::vector<std::vector<std::int32_t>> sequences = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {1, 2, 3, 4}, {49, 0, 49, 0}};
    const auto together = encode(weights, sequences);
    const std::size_t size = 4 * 64;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        const auto alone = encode(weights, {sequences[i]});
        ASSERT_EQ(alone.size(), size);
        for (std::size_t e = 0; e < size; ++e) // the BLAS may sum in another order for another number of rows
            EXPECT_NEAR(together[i * size + e], alone[e], 1e-5f) << "sequence " << i << " element " << e;
    }
}

TEST(BertCpuEncoder, CanBeUsedForBatchesOfOtherSizesAfterwards)
{
    const BertWeights weights = BertWeights::random(kTiny, 7);
    BertCpuEncoder encoder(weights, 1);
    const auto run = [&](const std::vector<std::int32_t>& ids, int batch, int sequence) {
        encoder.embed(ids, batch, sequence);
        encoder.runLayer(0, std::vector<std::int32_t>(ids.size(), 1));
        return encoder.hidden();
    };
    const auto before = run({1, 2}, 1, 2);
    EXPECT_EQ(run({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 6).size(), 12u * 8);
    EXPECT_EQ(run({1, 2}, 1, 2), before);
}

TEST(BertWeights, AreTheSameForTheSameSeedAndShareTheirFirstLayers)
{
    BertShape shallow = kTiny;
    shallow.layers = 1;
    const BertWeights deep = BertWeights::random(kTiny, 3), first = BertWeights::random(shallow, 3),
                      other = BertWeights::random(shallow, 4);
    EXPECT_EQ(deep.tokens, first.tokens);
    EXPECT_EQ(deep.layers[0].down, first.layers[0].down);
    EXPECT_NE(other.tokens, first.tokens);
}

inference::ModelConfig configOf(const std::string& text)
{
    inference::ModelConfig config;
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString("name: \"m\" backend: \"bert\" instance_group { kind: KIND_CPU } " + text, &config));
    return config;
}

std::string refusal(const std::string& config)
{
    const auto factory = createBackendFactory(configOf(config), {.allowGpu = false});
    return factory ? "(none)" : factory.error().text();
}

constexpr char kIds[] = R"(input { name: "input_ids" data_type: TYPE_INT64 dims: -1 } )";
constexpr char kHidden[] = R"(output { name: "h" data_type: TYPE_FP32 dims: [ -1, 768 ] } )";

// Other datatypes were read as 64-bit token ids; an optional input_ids that was left out was read although it was not there.
TEST(Bert, TakesOnlyConfigurationsItCanServe)
{
    const std::string refused = "bert needs the input input_ids TYPE_INT64";
    EXPECT_THAT(refusal(std::string(R"(input { name: "input_ids" data_type: TYPE_FP32 dims: -1 } )") + kHidden),
                testing::HasSubstr(refused));
    EXPECT_THAT(refusal(std::string(R"(input { name: "input_ids" data_type: TYPE_INT64 dims: -1 optional: true } )") + kHidden),
                testing::HasSubstr(refused));
    EXPECT_THAT(refusal(std::string(R"(input { name: "input_ids" data_type: TYPE_INT64 dims: [ -1, 2 ] } )") + kHidden),
                testing::HasSubstr(refused));
    for (const char* output : {"data_type: TYPE_INT64 dims: [ -1, 768 ]", "data_type: TYPE_FP32 dims: [ -1, 4 ]", "data_type: TYPE_FP32 dims: [ 4, 768 ]",
                               "data_type: TYPE_FP32 dims: [ -1, -1, 768 ]"})
        EXPECT_THAT(refusal(std::string(kIds) + "output { name: \"h\" " + output + " }"), testing::HasSubstr("output 'h': bert gives the hidden states"))
            << output;
    EXPECT_EQ(refusal(std::string(kIds) + kHidden + R"(output { name: "pooled" data_type: TYPE_FP32 dims: -1 })"), "(none)");
}

TEST(Bert, RefusesShapesThatMakeNoModel)
{
    const auto with = [](const std::string& key, const std::string& value) {
        return std::string(kIds) + kHidden + "parameters { key: \"" + key + "\" value { string_value: \"" + value + "\" } }";
    };
    for (const auto& [key, value] : {std::pair("hidden", "100"), std::pair("layers", "0"), std::pair("heads", "-1"),
                                     std::pair("layers", "many"), std::pair("vocabulary", "999999999")})
        EXPECT_THAT(refusal(with(key, value)), testing::HasSubstr("make no network")) << key << " " << value;
}

TEST(Backends, AreAddSubBertDecoderAndIdentity)
{
    inference::ModelConfig config = configOf(std::string(kIds) + kHidden);
    config.set_backend("onnxruntime");
    const auto factory = createBackendFactory(config, {});
    ASSERT_FALSE(factory);
    EXPECT_EQ(factory.error().code, ErrorCode::Unsupported);
    EXPECT_EQ(factory.error().text(), "there is no backend \"onnxruntime\"");
}

} // namespace
} // namespace gantry::inference_server
