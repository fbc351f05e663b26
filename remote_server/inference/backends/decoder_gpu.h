#pragma once

#include "remote_server/inference/backends/cuda_model.h"
#include "remote_server/inference/backends/decoder_engine.h"

#include <memory>
#include <optional>
#include <vector>

namespace gantry::inference_server {

/// A decoder on a GPU, with its keys and values in the GPU's memory.
class DecoderGpu final : public DecoderEngine
{
public:
    /// Errors: Internal, with the device's words (out of memory).
    [[nodiscard]] static Result<std::unique_ptr<DecoderEngine>> create(std::shared_ptr<const CudaModel> model, const InstancePlace& place,
                                                                       int layers, const PagedCache::Shape& cache);
    DecoderGpu(const DecoderGpu&) = delete;
    DecoderGpu& operator=(const DecoderGpu&) = delete;
    ~DecoderGpu() override;

    [[nodiscard]] int layers() const override { return m_layers; }
    [[nodiscard]] Result<void> begin(const std::vector<Piece>& pieces) override;
    [[nodiscard]] Result<void> runLayer(int layer) override;
    [[nodiscard]] Result<std::vector<std::int32_t>> nextTokens() override;
    [[nodiscard]] std::optional<std::uint32_t> streamId() const override { return m_streamId; }

private:
    DecoderGpu(std::shared_ptr<const CudaModel> model, void* decoder, std::uint32_t streamId, int layers)
        : m_model(std::move(model)), m_decoder(decoder), m_streamId(streamId), m_layers(layers)
    {
    }

    const std::shared_ptr<const CudaModel> m_model;
    void* const m_decoder;
    const std::uint32_t m_streamId;
    const int m_layers;
    std::size_t m_pieces = 0;
    std::vector<std::int32_t> m_ids, m_positions, m_pieceOf, m_lastRows, m_tables; ///< of the step
};

} // namespace gantry::inference_server
