#pragma once

#include "remote_server/inference/backends/bert_weights.h"
#include "remote_server/inference/backends/paged_cache.h"

#include <cstdint>
#include <span>
#include <vector>

namespace gantry::inference_server {

/// A decoder-only transformer on the CPU, FP32, with a BLAS: GPT-2's layers (normalised before attention and before the GELU network, a
/// causal mask, learned positions, the token embeddings as output matrix) with BERT's matrices, which are the same ones. One thread.
class DecoderCpu
{
public:
    /// Both must outlive this; the cache has the layers and the hidden size of the weights.
    DecoderCpu(const BertWeights& weights, PagedCache& cache) : m_weights(weights), m_cache(cache) {}

    /// The next tokens of one sequence: all of its prompt, or the one that was made last.
    struct Piece
    {
        std::span<const std::int32_t> tokens;     ///< at least one
        int firstPosition = 0;                    ///< how many tokens of the sequence the cache has
        const PagedCache::Table* table = nullptr; ///< with room for the tokens
    };

    [[nodiscard]] int layers() const { return m_weights.shape.layers; }

    /// One step of several sequences: begin(), runLayer() of each layer in order, then logits(). The pieces must stay what they are.
    void begin(const std::vector<Piece>& pieces);
    void runLayer(int layer);
    /// [pieces][vocabulary]: for what comes behind the last token of each piece.
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
    void addTo(const std::vector<float>& update);

    const BertWeights& m_weights;
    PagedCache& m_cache;
    std::vector<Row> m_rows;
    std::vector<float> m_hidden, m_normalised, m_qkv, m_scores, m_context, m_projected, m_ffn, m_logits, m_noBias;
};

} // namespace gantry::inference_server
