#pragma once

#include "remote_server/inference/backends/bert_weights.h"
#include "remote_server/inference/backends/decoder_engine.h"

#include <cstdint>
#include <vector>

namespace gantry::inference_server {

/// A decoder on the CPU, FP32, with a BLAS.
class DecoderCpu final : public DecoderEngine
{
public:
    /// The weights must outlive this.
    DecoderCpu(const BertWeights& weights, const PagedCache::Shape& cache);

    [[nodiscard]] int layers() const override { return m_weights.shape.layers; }
    [[nodiscard]] Result<void> begin(const std::vector<Piece>& pieces) override;
    [[nodiscard]] Result<void> runLayer(int layer) override;
    [[nodiscard]] Result<std::vector<std::int32_t>> nextTokens() override;

    /// [pieces][vocabulary]: for what comes behind the last token of each piece, instead of nextTokens().
    [[nodiscard]] const std::vector<float>& logits();

private:
    /// A token of the step.
    struct Row
    {
        const PagedCache::Table* table;
        int position;
        bool isLast; ///< of its piece
    };
    void attend(int layer);
    /// `hidden` values of a position that the table has room for; the value is behind the key.
    [[nodiscard]] float* key(int layer, const PagedCache::Table& table, int position);
    void addTo(const std::vector<float>& update);

    const BertWeights& m_weights;
    const PagedCache::Shape m_cache;
    std::vector<float> m_keysAndValues; ///< [layer][slot][key, value]
    std::vector<Row> m_rows;
    std::vector<float> m_hidden, m_normalised, m_qkv, m_scores, m_context, m_projected, m_ffn, m_logits, m_noBias;
};

} // namespace gantry::inference_server
