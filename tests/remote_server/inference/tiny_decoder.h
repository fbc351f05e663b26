#pragma once

#include "remote_server/inference/backends/bert_weights.h"

#include <cstdint>
#include <vector>

namespace gantry::inference_server {

inline constexpr BertShape kTinyDecoder{2, 16, 2, 32, 60, 64}; // layers, hidden, heads, ffn, vocabulary, positions

/// A prompt of so many tokens, different for each `first`.
inline std::vector<std::int32_t> promptOf(int length, int first = 3)
{
    std::vector<std::int32_t> prompt;
    for (int i = 0; i < length; ++i)
        prompt.push_back((first + 7 * i * i) % kTinyDecoder.vocabulary);
    return prompt;
}

} // namespace gantry::inference_server
