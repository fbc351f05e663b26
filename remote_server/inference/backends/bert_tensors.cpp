#include "remote_server/inference/backends/bert_tensors.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace gantry::inference_server {
namespace {

std::size_t tokensOf(const std::vector<Tensor>& inputs)
{
    return inputs.front().data.size() / sizeof(std::int64_t);
}

/// Sequences of a request, all of the same length: [length] or [sequences, length].
std::size_t sequencesOf(const std::vector<Tensor>& inputs)
{
    return inputs.front().shape.size() > 1 ? static_cast<std::size_t>(inputs.front().shape.front()) : 1;
}

} // namespace

Result<void> checkTokens(const std::vector<Tensor>& inputs, const BertShape& shape)
{
    const std::size_t tokens = tokensOf(inputs), length = tokens / sequencesOf(inputs);
    if (length < 1 || length > static_cast<std::size_t>(shape.positions))
        return Error{
            ErrorCode::BadInput,
            fmt::format("'{}' has a sequence of {} tokens: it must have between 1 and {}", inputs.front().name, length, shape.positions),
            {}};
    if (inputs.size() > 1 && inputs[1].shape != inputs[0].shape)
        return Error{ErrorCode::BadInput, fmt::format("'{}' must have the shape of '{}'", inputs[1].name, inputs[0].name), {}};
    for (std::size_t i = 0; i < tokens; ++i) {
        std::int64_t id = 0;
        std::memcpy(&id, inputs.front().data.data() + i * sizeof id, sizeof id);
        if (id < 0 || id >= shape.vocabulary)
            return Error{ErrorCode::BadInput,
                         fmt::format("token id {} of '{}' is outside the vocabulary of {}", id, inputs.front().name, shape.vocabulary),
                         {}};
    }
    return {};
}

void BertTokens::take(const std::vector<BatchItem>& items)
{
    batch = sequence = 0;
    for (const BatchItem& item : items) {
        const std::size_t sequences = sequencesOf(*item.inputs);
        batch += static_cast<int>(sequences);
        sequence = std::max(sequence, static_cast<int>(tokensOf(*item.inputs) / sequences));
    }
    ids.assign(static_cast<std::size_t>(batch * sequence), 0);
    mask.assign(ids.size(), 0);
    std::size_t row = 0;
    for (const BatchItem& item : items) {
        const auto& inputs = *item.inputs;
        const std::size_t sequences = sequencesOf(inputs), length = tokensOf(inputs) / sequences;
        for (std::size_t i = 0; i < sequences * length; ++i) {
            const std::size_t at = (row + i / length) * static_cast<std::size_t>(sequence) + i % length;
            std::int64_t id = 0, attends = 1;
            std::memcpy(&id, inputs.front().data.data() + i * sizeof id, sizeof id);
            if (inputs.size() > 1)
                std::memcpy(&attends, inputs[1].data.data() + i * sizeof attends, sizeof attends);
            ids[at] = static_cast<std::int32_t>(id);
            mask[at] = attends != 0;
        }
        row += sequences;
    }
}

Result<BertOutputs> BertOutputs::fromConfig(const inference::ModelConfig& config, const BertShape& shape)
{
    BertOutputs outputs;
    outputs.m_hidden = shape.hidden;
    for (const auto& output : config.output()) {
        const bool isPooled = output.dims_size() == 1;
        const std::int64_t width = output.dims().empty() ? 0 : *output.dims().rbegin();
        if (output.data_type() != inference::TYPE_FP32 || output.dims_size() < 1 || output.dims_size() > 2 ||
            (width != shape.hidden && width != -1) || (!isPooled && output.dims(0) != -1))
            return Error{ErrorCode::BadInput,
                         fmt::format("output '{}': bert gives the hidden states, TYPE_FP32 dims [ -1, {} ], or the pooled output, TYPE_FP32 "
                                     "dims [ {} ]",
                                     output.name(), shape.hidden, shape.hidden),
                         {}};
        outputs.m_named.emplace_back(isPooled ? Kind::Pooled : Kind::HiddenStates, output.name());
    }
    if (outputs.m_named.empty())
        return Error{ErrorCode::BadInput, "bert needs an output", {}};
    return outputs;
}

bool BertOutputs::wants(Kind kind) const
{
    return std::any_of(m_named.begin(), m_named.end(), [&](const auto& named) { return named.first == kind; });
}

void BertOutputs::distribute(const float* hidden, const float* pooled, const BertTokens& tokens, const std::vector<BatchItem>& items) const
{
    const auto width = static_cast<std::size_t>(m_hidden);
    std::size_t row = 0;
    for (const BatchItem& item : items) {
        const std::size_t sequences = sequencesOf(*item.inputs), length = tokensOf(*item.inputs) / sequences;
        item.outputs->clear();
        for (const auto& [kind, name] : m_named) {
            Tensor& out = item.outputs->emplace_back(Tensor{name, inference::TYPE_FP32, item.inputs->front().shape, {}});
            const bool isPooled = kind == Kind::Pooled;
            if (isPooled)
                out.shape.pop_back();
            out.shape.push_back(m_hidden);
            const std::size_t used = (isPooled ? 1 : length) * width, stride = isPooled ? width : static_cast<std::size_t>(tokens.sequence) * width;
            const float* from = (isPooled ? pooled : hidden) + row * stride;
            out.data.reserve(sequences * used * sizeof(float));
            for (std::size_t i = 0; i < sequences; ++i, from += stride)
                out.data.append(reinterpret_cast<const char*>(from), used * sizeof(float));
        }
        row += sequences;
    }
}

} // namespace gantry::inference_server
