#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/inflight_batcher.h"

namespace gantry::inference_server {

/// A small language model with random weights, on GPUs as BERT (bert.h) or on the CPU: from INPUT_IDS (INT32, any length) it makes MAX_TOKENS (INT32, one) tokens
/// OUTPUT_ID (INT32), the likeliest each time. A decoupled model answers with each as it is made, any other with all of them. Its
/// requests are batched in flight (inflight_batcher.h), so that max_batch_size is 0.
/// Parameters: layers, hidden, heads, ffn, vocabulary, positions, seed, and of the KV cache kv_blocks,
/// tokens_per_block, max_requests, and on a GPU precision (fp16, the default, fp32 or tf32).
/// Errors: BadInput.
[[nodiscard]] Result<std::unique_ptr<BackendFactory>> createDecoder(const inference::ModelConfig& config, const BackendOptions& options);
void completeDecoder(inference::ModelConfig& config);

/// What inputs ask for that the factory's check() has passed.
[[nodiscard]] Generation generationOf(const std::vector<Tensor>& inputs);
/// OUTPUT_ID.
[[nodiscard]] Tensor outputIds(const std::vector<std::int32_t>& ids);

} // namespace gantry::inference_server
