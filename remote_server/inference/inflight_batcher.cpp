#include "remote_server/inference/inflight_batcher.h"

#include <algorithm>
#include <span>
#include <utility>

namespace gantry::inference_server {

InflightBatcher::InflightBatcher(std::unique_ptr<DecoderEngine> engine, const Limits& limits)
    : m_mostRequests(limits.mostRequests), m_cache(limits.cache()), m_engine(std::move(engine))
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

Result<void> InflightBatcher::compute(const std::function<void(int layer, const std::function<void()>& run)>& around)
{
    std::vector<DecoderEngine::Piece> pieces;
    pieces.reserve(m_running.size());
    for (const Sequence& sequence : m_running)
        pieces.push_back({std::span(sequence.tokens).subspan(static_cast<std::size_t>(sequence.cached)), sequence.cached, &sequence.table});
    GANTRY_CHECK(m_engine->begin(pieces));
    for (int layer = 0; layer < m_engine->layers(); ++layer) {
        Result<void> ran;
        around(layer, [&] { ran = m_engine->runLayer(layer); });
        GANTRY_CHECK(std::move(ran));
    }
    GANTRY_TRY(m_next, m_engine->nextTokens());
    for (Sequence& sequence : m_running)
        sequence.cached = length(sequence);
    return {};
}

std::vector<InflightBatcher::Token> InflightBatcher::takeTokens()
{
    std::vector<Token> made;
    auto next = m_next.begin();
    for (Sequence& sequence : m_running) {
        const std::int32_t id = *next++;
        sequence.tokens.push_back(id);
        made.push_back({sequence.request, id, --sequence.toMake == 0});
    }
    for (const Token& token : made)
        if (token.isLast)
            remove(token.request);
    return made;
}

} // namespace gantry::inference_server
