#pragma once

#include "remote_server/inference/model.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <vector>

namespace gantry::inference_server {

/// Shape of a BERT encoder; the defaults are BERT-base. From the configuration's parameters of the same names.
struct BertShape
{
    int layers = 12;
    int hidden = 768;
    int heads = 12;
    int ffn = 3072;
    int vocabulary = 30522;
    int positions = 512;

    [[nodiscard]] static Result<BertShape> fromConfig(const inference::ModelConfig& config);
};

/// Weights of one encoder layer, row-major [out][in], float.
struct BertLayerWeights
{
    std::vector<float> qkv, qkvBias;       ///< [3·hidden][hidden]
    std::vector<float> attentionOut, attentionOutBias;
    std::vector<float> up, upBias;         ///< [ffn][hidden]
    std::vector<float> down, downBias;     ///< [hidden][ffn]
};

/// Random weights from a seed: the model computes what BERT computes, with numbers that mean nothing. Layer norms have weight
/// 1 and bias 0.
struct BertWeights
{
    BertShape shape;
    std::vector<float> tokens;    ///< [vocabulary][hidden]
    std::vector<float> positions; ///< [positions][hidden]
    std::vector<BertLayerWeights> layers;
    std::vector<float> pooler, poolerBias; ///< [hidden][hidden]

    [[nodiscard]] static BertWeights random(const BertShape& shape, std::uint64_t seed);
};

} // namespace gantry::inference_server
