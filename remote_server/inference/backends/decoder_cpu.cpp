#include "remote_server/inference/backends/decoder_cpu.h"

#include "remote_server/inference/backends/cpu_layers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace gantry::inference_server {
namespace {

constexpr float kEpsilon = 1e-5f; // GPT-2's layer_norm_epsilon

float product(const float* a, const float* b, int n)
{
    float sum = 0;
    for (int i = 0; i < n; ++i)
        sum += a[i] * b[i];
    return sum;
}

} // namespace

DecoderCpu::DecoderCpu(const BertWeights& weights, const PagedCache::Shape& cache)
    : m_weights(weights),
      m_cache(cache),
      m_keysAndValues(static_cast<std::size_t>(weights.shape.layers) * cache.slots() * 2 * static_cast<std::size_t>(weights.shape.hidden))
{
}

float* DecoderCpu::key(int layer, const PagedCache::Table& table, int position)
{
    const std::size_t slot = static_cast<std::size_t>(layer) * m_cache.slots() + m_cache.slot(table, position);
    return m_keysAndValues.data() + slot * 2 * static_cast<std::size_t>(m_weights.shape.hidden);
}

Result<void> DecoderCpu::begin(const std::vector<Piece>& pieces)
{
    m_rows.clear();
    m_hidden.clear();
    const auto h = static_cast<std::size_t>(m_weights.shape.hidden);
    for (const Piece& piece : pieces)
        for (std::size_t i = 0; i < piece.tokens.size(); ++i) {
            const int position = piece.firstPosition + static_cast<int>(i);
            m_rows.push_back({piece.table, position, i + 1 == piece.tokens.size()});
            const float* token = m_weights.tokens.data() + static_cast<std::size_t>(piece.tokens[i]) * h;
            const float* place = m_weights.positions.data() + static_cast<std::size_t>(position) * h;
            for (std::size_t e = 0; e < h; ++e)
                m_hidden.push_back(token[e] + place[e]);
        }
    return {};
}

Result<void> DecoderCpu::runLayer(int layer)
{
    const BertLayerWeights& w = m_weights.layers[static_cast<std::size_t>(layer)];
    const int h = m_weights.shape.hidden, ffn = m_weights.shape.ffn, rows = static_cast<int>(m_rows.size());
    m_normalised = m_hidden;
    normalise(m_normalised, h, kEpsilon);
    linear(m_normalised, w.qkv, w.qkvBias, m_qkv, rows, 3 * h, h);
    attend(layer);
    linear(m_context, w.attentionOut, w.attentionOutBias, m_projected, rows, h, h);
    addTo(m_projected);
    m_normalised = m_hidden;
    normalise(m_normalised, h, kEpsilon);
    linear(m_normalised, w.up, w.upBias, m_ffn, rows, ffn, h);
    gelu(m_ffn);
    linear(m_ffn, w.down, w.downBias, m_projected, rows, h, ffn);
    addTo(m_projected);
    return {};
}

/// Puts the keys and values of all rows into the cache, then looks at those of each row's sequence up to the row itself.
void DecoderCpu::attend(int layer)
{
    const int h = m_weights.shape.hidden, heads = m_weights.shape.heads, size = h / heads;
    const auto width = static_cast<std::size_t>(h);
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const float* key = m_qkv.data() + row * 3 * width + width;
        std::copy(key, key + 2 * h, this->key(layer, *m_rows[row].table, m_rows[row].position)); // the value is behind the key in both
    }
    m_context.assign(m_rows.size() * width, 0.0f);
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const auto& [table, position, isLast] = m_rows[row];
        m_scores.resize(static_cast<std::size_t>(position) + 1);
        for (int head = 0; head < heads; ++head) {
            const float* query = m_qkv.data() + row * 3 * width + head * size;
            float* context = m_context.data() + row * width + head * size;
            for (int p = 0; p <= position; ++p)
                m_scores[static_cast<std::size_t>(p)] = scale * product(query, key(layer, *table, p) + head * size, size);
            softmax(m_scores.data(), position + 1);
            for (int p = 0; p <= position; ++p) {
                const float* value = key(layer, *table, p) + h + head * size;
                for (int e = 0; e < size; ++e)
                    context[e] += m_scores[static_cast<std::size_t>(p)] * value[e];
            }
        }
    }
}

void DecoderCpu::addTo(const std::vector<float>& update)
{
    for (std::size_t i = 0; i < m_hidden.size(); ++i)
        m_hidden[i] += update[i];
}

const std::vector<float>& DecoderCpu::logits()
{
    const int h = m_weights.shape.hidden, vocabulary = m_weights.shape.vocabulary;
    m_normalised.clear();
    for (std::size_t row = 0; row < m_rows.size(); ++row)
        if (m_rows[row].isLast) {
            const auto begin = m_hidden.begin() + static_cast<std::ptrdiff_t>(row) * h;
            m_normalised.insert(m_normalised.end(), begin, begin + h);
        }
    normalise(m_normalised, h, kEpsilon);
    m_noBias.resize(static_cast<std::size_t>(vocabulary));
    linear(m_normalised, m_weights.tokens, m_noBias, m_logits, static_cast<int>(m_normalised.size()) / h, vocabulary, h);
    return m_logits;
}

Result<std::vector<std::int32_t>> DecoderCpu::nextTokens()
{
    const std::vector<float>& all = logits();
    const auto vocabulary = static_cast<std::ptrdiff_t>(m_weights.shape.vocabulary);
    std::vector<std::int32_t> ids;
    for (auto row = all.begin(); row != all.end(); row += vocabulary)
        ids.push_back(static_cast<std::int32_t>(std::max_element(row, row + vocabulary) - row));
    return ids;
}

} // namespace gantry::inference_server
