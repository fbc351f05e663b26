#pragma once

#include "remote_server/inference/backends/paged_cache.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gantry::inference_server {

/// A decoder-only transformer with the cache of its keys and values: GPT-2's layers (normalised before attention and before the GELU
/// network, a causal mask, learned positions, the token embeddings as output matrix) with BERT's matrices, which are the same ones. One
/// thread.
class DecoderEngine
{
public:
    /// The next tokens of one sequence: all of its prompt, or the one that was made last.
    struct Piece
    {
        std::span<const std::int32_t> tokens;     ///< at least one
        int firstPosition = 0;                    ///< how many tokens of the sequence the cache has
        const PagedCache::Table* table = nullptr; ///< with room for the tokens
    };

    virtual ~DecoderEngine() = default;
    [[nodiscard]] virtual int layers() const = 0;

    /// One step of several sequences: begin(), runLayer() of each layer in order, then nextTokens(). The pieces, at least one, must stay
    /// what they are. Errors: Internal, with the device's words; the step is over then.
    [[nodiscard]] virtual Result<void> begin(const std::vector<Piece>& pieces) = 0;
    [[nodiscard]] virtual Result<void> runLayer(int layer) = 0;
    /// The id with the highest logit behind the last token of each piece.
    [[nodiscard]] virtual Result<std::vector<std::int32_t>> nextTokens() = 0;

    /// CUPTI's number of the stream it computes on, where it has one.
    [[nodiscard]] virtual std::optional<std::uint32_t> streamId() const { return std::nullopt; }
};

} // namespace gantry::inference_server
