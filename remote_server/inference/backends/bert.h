#pragma once

#include "remote_server/inference/backends/backend.h"

namespace gantry::inference_server {

/// BERT encoder: inputs input_ids INT64 [seq] (and attention_mask INT64 [seq], optional), outputs as bert_tensors.h has them. On GPUs
/// with cuBLAS when the CUDA backend loads and the instance groups allow it, else on the CPU with OpenBLAS, where the parameter
/// `cpu_layers` limits the layers so that a machine without a GPU still serves the demo. On a GPU the parameter `precision` is fp16
/// (the default), fp32 or tf32, and optimization's cuda.graphs, input_pinned_memory and output_pinned_memory are kept to.
[[nodiscard]] Result<std::unique_ptr<BackendFactory>> createBert(const inference::ModelConfig& config, const BackendOptions& options);

/// Its inputs and output by the parameters, where there are none; 4 rows and dynamic batching where max_batch_size is not said.
void completeBert(inference::ModelConfig& config, bool saysMaxBatchSize);

} // namespace gantry::inference_server
