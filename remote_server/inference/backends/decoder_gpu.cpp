#include "remote_server/inference/backends/decoder_gpu.h"

#include <algorithm>

namespace gantry::inference_server {

Result<std::unique_ptr<DecoderEngine>> DecoderGpu::create(std::shared_ptr<const CudaModel> model, const InstancePlace& place, int layers,
                                                          const PagedCache::Shape& cache)
{
    const GantryCudaDecoderOptions options{cache.blocks, cache.tokensPerBlock, place.name.c_str()};
    void* decoder = nullptr;
    std::uint32_t streamId = 0;
    GANTRY_CHECK(callCuda(model->api().createDecoder, model->on(place), &options, &decoder, &streamId));
    return std::unique_ptr<DecoderEngine>(new DecoderGpu(std::move(model), decoder, streamId, layers));
}

DecoderGpu::~DecoderGpu()
{
    m_model->api().destroyDecoder(m_decoder);
}

Result<void> DecoderGpu::begin(const std::vector<Piece>& pieces)
{
    for (std::vector<std::int32_t>* numbers : {&m_ids, &m_positions, &m_pieceOf, &m_lastRows})
        numbers->clear();
    std::size_t blocks = 1;
    for (const Piece& piece : pieces)
        blocks = std::max(blocks, piece.table->size());
    m_pieces = pieces.size();
    m_tables.assign(m_pieces * blocks, 0);
    for (std::size_t i = 0; i < m_pieces; ++i) {
        const Piece& piece = pieces[i];
        std::copy(piece.table->begin(), piece.table->end(), m_tables.begin() + static_cast<std::ptrdiff_t>(i * blocks));
        const auto tokens = static_cast<int>(piece.tokens.size());
        m_ids.insert(m_ids.end(), piece.tokens.begin(), piece.tokens.end());
        m_pieceOf.insert(m_pieceOf.end(), piece.tokens.size(), static_cast<std::int32_t>(i));
        for (int token = 0; token < tokens; ++token)
            m_positions.push_back(piece.firstPosition + token);
        m_lastRows.push_back(static_cast<std::int32_t>(m_ids.size()) - 1);
    }
    const GantryCudaStep step{static_cast<int>(m_ids.size()), static_cast<int>(m_pieces), static_cast<int>(blocks),
                              m_ids.data(), m_positions.data(), m_pieceOf.data(), m_lastRows.data(), m_tables.data()};
    return callCuda(m_model->api().beginStep, m_decoder, &step);
}

Result<void> DecoderGpu::runLayer(int layer)
{
    return callCuda(m_model->api().runLayer, m_decoder, layer);
}

Result<std::vector<std::int32_t>> DecoderGpu::nextTokens()
{
    std::vector<std::int32_t> ids(m_pieces);
    GANTRY_CHECK(callCuda(m_model->api().nextTokens, m_decoder, ids.data()));
    return ids;
}

} // namespace gantry::inference_server
