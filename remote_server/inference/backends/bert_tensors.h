#pragma once

#include "remote_server/inference/backends/backend.h"
#include "remote_server/inference/backends/bert_weights.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gantry::inference_server {

/// What BERT's requests bring and get, on whichever device it runs.

/// Whether one request's tokens can be computed. Errors: BadInput.
[[nodiscard]] Result<void> checkTokens(const std::vector<Tensor>& inputs, const BertShape& shape);

/// Token ids and mask of a batch, padded to its longest sequence.
struct BertTokens
{
    int batch = 0, sequence = 0;
    std::vector<std::int32_t> ids, mask;

    /// Takes inputs that checkTokens() has passed.
    void take(const std::vector<BatchItem>& items);
};

/// What the outputs of a configuration are: the hidden states of each token (dims [ -1, hidden ]), or BERT's pooled output, tanh of one
/// more product of the first token's (dims [ hidden ]).
class BertOutputs
{
public:
    enum class Kind
    {
        HiddenStates,
        Pooled
    };

    /// Errors: BadInput.
    [[nodiscard]] static Result<BertOutputs> fromConfig(const inference::ModelConfig& config, const BertShape& shape);

    [[nodiscard]] bool wants(Kind kind) const;
    /// Splits [batch][sequence][hidden] and [batch][hidden] among the requests, the first without its padding; null: not wanted.
    void distribute(const float* hidden, const float* pooled, const BertTokens& tokens, const std::vector<BatchItem>& items) const;

private:
    int m_hidden = 0;
    std::vector<std::pair<Kind, std::string>> m_named;
};

} // namespace gantry::inference_server
