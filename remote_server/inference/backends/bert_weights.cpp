#include "remote_server/inference/backends/bert_weights.h"

namespace gantry::inference_server {
namespace {

/// Values in ±scale from a 64-bit mix; fast enough to fill a BERT-base in under a second.
void fill(std::vector<float>& values, std::size_t count, float scale, std::uint64_t& state)
{
    values.resize(count);
    for (float& value : values) {
        state += 0x9E3779B97F4A7C15ull; // SplitMix64's increment and mixing constants
        std::uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        value = (static_cast<float>(static_cast<std::int32_t>((z ^ (z >> 31)) >> 32)) / 2147483648.0f) * scale;
    }
}

} // namespace

Result<BertShape> BertShape::fromConfig(const inference::ModelConfig& config)
{
    BertShape shape;
    const auto take = [&](int& field, const char* name, int most) {
        field = static_cast<int>(parameterOf(config, name, field));
        return field >= 1 && field <= most;
    };
    if (!take(shape.layers, "layers", 48) || !take(shape.hidden, "hidden", 4096) || !take(shape.heads, "heads", 64) || !take(shape.ffn, "ffn", 16384)
        || !take(shape.vocabulary, "vocabulary", 1'000'000) || !take(shape.positions, "positions", 4096) || shape.hidden % shape.heads != 0)
        return Error{
            ErrorCode::BadInput,
            "the parameters layers, hidden, heads, ffn, vocabulary, positions make no network (hidden must be a multiple of heads)",
            {}};
    return shape;
}

BertWeights BertWeights::random(const BertShape& shape, std::uint64_t seed)
{
    BertWeights weights;
    weights.shape = shape;
    const auto h = static_cast<std::size_t>(shape.hidden), f = static_cast<std::size_t>(shape.ffn);
    const float small = 0.035f; // sqrt(3) · 0.02: the standard deviation BERT is initialised with
    fill(weights.tokens, static_cast<std::size_t>(shape.vocabulary) * h, small, seed);
    fill(weights.positions, static_cast<std::size_t>(shape.positions) * h, small, seed);
    weights.layers.resize(static_cast<std::size_t>(shape.layers));
    for (BertLayerWeights& layer : weights.layers) {
        fill(layer.qkv, 3 * h * h, small, seed);
        fill(layer.qkvBias, 3 * h, small, seed);
        fill(layer.attentionOut, h * h, small, seed);
        fill(layer.attentionOutBias, h, small, seed);
        fill(layer.up, f * h, small, seed);
        fill(layer.upBias, f, small, seed);
        fill(layer.down, h * f, small, seed);
        fill(layer.downBias, h, small, seed);
    }
    fill(weights.pooler, h * h, small, seed);
    fill(weights.poolerBias, h, small, seed);
    return weights;
}

} // namespace gantry::inference_server
