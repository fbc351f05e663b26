#include "remote_server/inference/inflight_batcher.h"

#include <algorithm>
#include <span>
#include <utility>

namespace gantry::inference_server {

InflightBatcher::InflightBatcher(const BertWeights& weights, const Limits& limits)
    : m_vocabulary(weights.shape.vocabulary),
      m_mostRequests(limits.mostRequests),
      m_cache({weights.shape.layers, weights.shape.hidden, limits.blocks, limits.tokensPerBlock}),
      m_decoder(weights, m_cache)
{
}

bool InflightBatcher::hasRoomFor(const Generation& generation) const
{
    // Those that were put out go first: else one with a long prompt would never get back in.
    return m_paused.empty() && static_cast<int>(m_running.size()) < m_mostRequests &&
           m_cache.blocksFor(static_cast<int>(generation.prompt.size())) <= m_cache.freeBlocks();
}

void InflightBatcher::add(std::uint64_t request, Generation generation)
{
    Sequence& sequence = m_running.emplace_back();
    sequence.request = request;
    sequence.tokens = std::move(generation.prompt);
    sequence.toMake = generation.maxTokens;
    static_cast<void>(m_cache.grow(sequence.table, length(sequence))); // if there was no room, plan() looks again
}

void InflightBatcher::remove(std::uint64_t request)
{
    for (std::deque<Sequence>* all : {&m_running, &m_paused})
        std::erase_if(*all, [&](Sequence& sequence) {
            if (sequence.request != request)
                return false;
            m_cache.release(sequence.table);
            return true;
        });
}

void InflightBatcher::clear()
{
    for (std::deque<Sequence>* all : {&m_running, &m_paused}) {
        for (Sequence& sequence : *all)
            m_cache.release(sequence.table);
        all->clear();
    }
}

void InflightBatcher::pauseYoungest()
{
    Sequence& youngest = m_running.back();
    m_cache.release(youngest.table);
    youngest.cached = 0;
    m_paused.push_front(std::move(youngest));
    m_running.pop_back();
}

void InflightBatcher::resume()
{
    while (!m_paused.empty() && static_cast<int>(m_running.size()) < m_mostRequests &&
           m_cache.grow(m_paused.front().table, length(m_paused.front()))) {
        m_running.push_back(std::move(m_paused.front()));
        m_paused.pop_front();
    }
}

const InflightBatcher::Plan& InflightBatcher::plan()
{
    for (std::size_t i = 0; i < m_running.size();) { // the oldest first: it is never put out while there are others
        if (m_cache.grow(m_running[i].table, length(m_running[i])))
            ++i;
        else
            pauseYoungest();
    }
    resume();
    m_plan = {};
    m_plan.paused = static_cast<int>(m_paused.size());
    for (const Sequence& sequence : m_running) {
        m_plan.members.push_back(sequence.request);
        m_plan.cachedTokens += sequence.cached;
        if (sequence.cached == 0) {
            ++m_plan.contextRequests;
            m_plan.contextTokens += length(sequence);
        } else {
            ++m_plan.generationTokens;
        }
    }
    return m_plan;
}

void InflightBatcher::compute(const std::function<void(int layer, const std::function<void()>& run)>& around)
{
    std::vector<DecoderCpu::Piece> pieces;
    pieces.reserve(m_running.size());
    for (const Sequence& sequence : m_running)
        pieces.push_back({std::span(sequence.tokens).subspan(static_cast<std::size_t>(sequence.cached)), sequence.cached, &sequence.table});
    m_decoder.begin(pieces);
    for (int layer = 0; layer < m_decoder.layers(); ++layer)
        around(layer, [&] { m_decoder.runLayer(layer); });
    m_logits = m_decoder.logits().data();
    for (Sequence& sequence : m_running)
        sequence.cached = length(sequence);
}

std::vector<InflightBatcher::Token> InflightBatcher::takeTokens()
{
    std::vector<Token> made;
    const float* row = m_logits;
    for (Sequence& sequence : m_running) {
        const float* const end = row + m_vocabulary;
        const auto id = static_cast<std::int32_t>(std::max_element(row, end) - row);
        row = end;
        sequence.tokens.push_back(id);
        made.push_back({sequence.request, id, --sequence.toMake == 0});
    }
    for (const Token& token : made)
        if (token.isLast)
            remove(token.request);
    return made;
}

} // namespace gantry::inference_server
