#pragma once

#include "remote_server/inference/backends/bert_weights.h"

#include <cstdint>
#include <vector>

namespace gantry::inference_server {

/// The encoder on the CPU, FP32, with a BLAS. One thread.
class BertCpuEncoder
{
public:
    /// Runs the first `layers` layers of the weights, which must outlive this.
    BertCpuEncoder(const BertWeights& weights, int layers) : m_weights(weights), m_layers(layers) {}

    [[nodiscard]] int layers() const { return m_layers; }

    /// Token and position embeddings with layer norm. ids: [batch · sequence].
    void embed(const std::vector<std::int32_t>& ids, int batch, int sequence);
    /// One layer over the hidden states; mask: [batch · sequence], 0 = padding.
    void runLayer(int layer, const std::vector<std::int32_t>& mask);
    /// [batch][sequence][hidden]
    [[nodiscard]] const std::vector<float>& hidden() const { return m_hidden; }
    /// Computes pooled() of the hidden states.
    void pool();
    /// [batch][hidden]
    [[nodiscard]] const std::vector<float>& pooled() const { return m_pooled; }

private:
    const BertWeights& m_weights;
    int m_layers;
    int m_batch = 0, m_sequence = 0;
    std::vector<float> m_hidden, m_qkv, m_scores, m_context, m_projected, m_ffn, m_pooled;
};

} // namespace gantry::inference_server
