#include "remote_server/inference/backends/bert_cpu.h"

#include "remote_server/inference/backends/cpu_layers.h"

#include <cblas.h>
#include <cmath>

namespace gantry::inference_server {
namespace {

constexpr float kEpsilon = 1e-12f; // BERT's layer_norm_eps

void addAndNormalise(std::vector<float>& hidden, const std::vector<float>& update, int n)
{
    for (std::size_t i = 0; i < hidden.size(); ++i)
        hidden[i] += update[i];
    normalise(hidden, n, kEpsilon);
}

} // namespace

void BertCpuEncoder::embed(const std::vector<std::int32_t>& ids, int batch, int sequence)
{
    m_batch = batch;
    m_sequence = sequence;
    const int h = m_weights.shape.hidden;
    m_hidden.resize(ids.size() * static_cast<std::size_t>(h));
    for (std::size_t token = 0; token < ids.size(); ++token) {
        const float* word = m_weights.tokens.data() + static_cast<std::size_t>(ids[token]) * static_cast<std::size_t>(h);
        const float* position = m_weights.positions.data() + token % static_cast<std::size_t>(sequence) * static_cast<std::size_t>(h);
        float* out = m_hidden.data() + token * static_cast<std::size_t>(h);
        for (int i = 0; i < h; ++i)
            out[i] = word[i] + position[i];
    }
    normalise(m_hidden, h, kEpsilon);
}

void BertCpuEncoder::runLayer(int layer, const std::vector<std::int32_t>& mask)
{
    const BertLayerWeights& w = m_weights.layers[static_cast<std::size_t>(layer)];
    const int h = m_weights.shape.hidden, heads = m_weights.shape.heads, size = h / heads, s = m_sequence, rows = m_batch * s;
    linear(m_hidden, w.qkv, w.qkvBias, m_qkv, rows, 3 * h, h);
    m_context.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(h));
    m_scores.resize(static_cast<std::size_t>(s) * static_cast<std::size_t>(s));
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (int b = 0; b < m_batch; ++b)
        for (int head = 0; head < heads; ++head) {
            const float* q = m_qkv.data() + static_cast<std::size_t>(b * s) * static_cast<std::size_t>(3 * h) + head * size;
            const float* k = q + h;
            const float* v = q + 2 * h;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s, s, size, scale, q, 3 * h, k, 3 * h, 0.0f, m_scores.data(), s);
            for (int i = 0; i < s; ++i) {
                float* row = m_scores.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(s);
                for (int j = 0; j < s; ++j)
                    if (!mask[static_cast<std::size_t>(b * s + j)])
                        row[j] = -1e30f;
                softmax(row, s);
            }
            float* context = m_context.data() + static_cast<std::size_t>(b * s) * static_cast<std::size_t>(h) + head * size;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s, size, s, 1.0f, m_scores.data(), s, v, 3 * h, 0.0f, context, h);
        }
    linear(m_context, w.attentionOut, w.attentionOutBias, m_projected, rows, h, h);
    addAndNormalise(m_hidden, m_projected, h);
    linear(m_hidden, w.up, w.upBias, m_ffn, rows, m_weights.shape.ffn, h);
    gelu(m_ffn);
    linear(m_ffn, w.down, w.downBias, m_projected, rows, h, m_weights.shape.ffn);
    addAndNormalise(m_hidden, m_projected, h);
}

void BertCpuEncoder::pool()
{
    const auto h = static_cast<std::size_t>(m_weights.shape.hidden);
    std::vector<float> first;
    for (std::size_t b = 0; b < static_cast<std::size_t>(m_batch); ++b) {
        const auto begin = m_hidden.begin() + static_cast<std::ptrdiff_t>(b * static_cast<std::size_t>(m_sequence) * h);
        first.insert(first.end(), begin, begin + static_cast<std::ptrdiff_t>(h));
    }
    linear(first, m_weights.pooler, m_weights.poolerBias, m_pooled, m_batch, m_weights.shape.hidden, m_weights.shape.hidden);
    for (float& value : m_pooled)
        value = std::tanh(value);
}

} // namespace gantry::inference_server
