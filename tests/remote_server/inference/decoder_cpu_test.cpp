#include "remote_server/inference/backends/decoder_cpu.h"

#include "tests/remote_server/inference/tiny_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace gantry::inference_server {
namespace {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

Row normalised(Row row)
{
    double mean = 0, variance = 0;
    for (const double x : row)
        mean += x / static_cast<double>(row.size());
    for (const double x : row)
        variance += (x - mean) * (x - mean) / static_cast<double>(row.size());
    for (double& x : row)
        x = (x - mean) / std::sqrt(variance + 1e-5);
    return row;
}

Row product(const Row& in, const std::vector<float>& weights, const std::vector<float>& bias)
{
    Row out(bias.begin(), bias.end());
    for (std::size_t n = 0; n < out.size(); ++n)
        for (std::size_t k = 0; k < in.size(); ++k)
            out[n] += in[k] * weights[n * in.size() + k];
    return out;
}

void add(Row& to, const Row& update)
{
    for (std::size_t i = 0; i < to.size(); ++i)
        to[i] += update[i];
}

/// One token's attention to those up to itself.
Row attention(const Matrix& qkv, std::size_t token, std::size_t heads)
{
    const std::size_t hidden = qkv[0].size() / 3, size = hidden / heads;
    Row context(hidden);
    for (std::size_t head = 0; head < heads; ++head) {
        Row weights(token + 1);
        double sum = 0;
        for (std::size_t j = 0; j <= token; ++j) {
            double score = 0;
            for (std::size_t e = 0; e < size; ++e)
                score += qkv[token][head * size + e] * qkv[j][hidden + head * size + e];
            sum += weights[j] = std::exp(score / std::sqrt(static_cast<double>(size)));
        }
        for (std::size_t j = 0; j <= token; ++j)
            for (std::size_t e = 0; e < size; ++e)
                context[head * size + e] += weights[j] / sum * qkv[j][2 * hidden + head * size + e];
    }
    return context;
}

/// Logits behind each token of one sequence as GPT-2's paper says it, all computed at once, in double.
Matrix reference(const BertWeights& w, const std::vector<std::int32_t>& ids)
{
    const auto hidden = static_cast<std::size_t>(w.shape.hidden);
    Matrix x(ids.size(), Row(hidden));
    for (std::size_t t = 0; t < ids.size(); ++t)
        for (std::size_t i = 0; i < hidden; ++i)
            x[t][i] = static_cast<double>(w.tokens[static_cast<std::size_t>(ids[t]) * hidden + i]) +
                      static_cast<double>(w.positions[t * hidden + i]);
    for (const BertLayerWeights& layer : w.layers) {
        Matrix qkv;
        for (const Row& row : x)
            qkv.push_back(product(normalised(row), layer.qkv, layer.qkvBias));
        for (std::size_t t = 0; t < x.size(); ++t) {
            add(x[t], product(attention(qkv, t, static_cast<std::size_t>(w.shape.heads)), layer.attentionOut, layer.attentionOutBias));
            Row inner = product(normalised(x[t]), layer.up, layer.upBias);
            for (double& value : inner)
                value = 0.5 * value * (1 + std::erf(value / std::sqrt(2.0)));
            add(x[t], product(inner, layer.down, layer.downBias));
        }
    }
    Matrix logits;
    for (const Row& row : x)
        logits.push_back(product(normalised(row), w.tokens, std::vector<float>(static_cast<std::size_t>(w.shape.vocabulary))));
    return logits;
}

/// Larger than the default: so small they would be that attention is all but an average, and a wrong one would not be seen.
BertWeights weights()
{
    BertWeights made = BertWeights::random(kTinyDecoder, 7);
    for (BertLayerWeights& layer : made.layers)
        for (float& value : layer.qkv)
            value *= 20;
    return made;
}

class DecoderOnTheCpu : public testing::Test
{
protected:
    /// The logits of one step of one sequence.
    std::vector<float> step(PagedCache::Table& table, const std::vector<std::int32_t>& tokens, int cached)
    {
        EXPECT_TRUE(m_cache.grow(table, cached + static_cast<int>(tokens.size())));
        return run({{tokens, cached, &table}});
    }

    std::vector<float> run(const std::vector<DecoderEngine::Piece>& pieces)
    {
        EXPECT_TRUE(m_decoder.begin(pieces));
        for (int layer = 0; layer < m_decoder.layers(); ++layer)
            EXPECT_TRUE(m_decoder.runLayer(layer));
        return m_decoder.logits();
    }

    static void expectNear(const float* actual, const Row& expected)
    {
        double largest = 0;
        for (const double logit : expected)
            largest = std::max(largest, std::abs(logit));
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(actual[i], expected[i], 1e-5 * largest) << "logit " << i;
    }

    BertWeights m_weights = weights();
    PagedCache m_cache{{.blocks = 32, .tokensPerBlock = 4}};
    DecoderCpu m_decoder{m_weights, m_cache.shape()};
};

TEST_F(DecoderOnTheCpu, HasTheLogitsOfDoublePrecisionForAPromptAndForEachTokenAfterIt)
{
    const std::vector<std::int32_t> ids = promptOf(23);
    const Matrix expected = reference(m_weights, ids);
    PagedCache::Table table;
    expectNear(step(table, {ids.begin(), ids.begin() + 9}, 0).data(), expected[8]);
    for (std::size_t at = 9; at < ids.size(); ++at)
        expectNear(step(table, {ids[at]}, static_cast<int>(at)).data(), expected[at]);
}

TEST_F(DecoderOnTheCpu, HasTheLogitsOfDoublePrecisionForSequencesOfDifferentPhasesInOneStepAndBlocksOutOfOrder)
{
    const std::vector<std::int32_t> first = promptOf(10, 1), second = promptOf(13, 2), third = promptOf(3, 5);
    PagedCache::Table one, two, three, gone;
    ASSERT_TRUE(m_cache.grow(gone, 8));
    static_cast<void>(step(one, {first.begin(), first.begin() + 4}, 0));
    ASSERT_TRUE(m_cache.grow(two, 1));
    m_cache.release(gone); // its blocks go to the others, behind and before those that they have
    static_cast<void>(step(one, {first.begin() + 4, first.begin() + 9}, 4));
    static_cast<void>(step(two, {second.begin(), second.begin() + 12}, 0));
    ASSERT_TRUE(m_cache.grow(one, 10) && m_cache.grow(two, 13) && m_cache.grow(three, 3));
    ASSERT_FALSE(std::is_sorted(one.begin(), one.end())) << "else this test is about nothing";

    const std::span<const std::int32_t> lastOfFirst(&first[9], 1), lastOfSecond(&second[12], 1);
    const std::vector<float> logits = run({{lastOfFirst, 9, &one}, {third, 0, &three}, {lastOfSecond, 12, &two}});
    ASSERT_EQ(logits.size(), 3u * static_cast<std::size_t>(kTinyDecoder.vocabulary));
    expectNear(logits.data(), reference(m_weights, first).back());
    expectNear(logits.data() + kTinyDecoder.vocabulary, reference(m_weights, third).back());
    expectNear(logits.data() + 2 * kTinyDecoder.vocabulary, reference(m_weights, second).back());
}

} // namespace
} // namespace gantry::inference_server
