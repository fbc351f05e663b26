#include "remote_server/inference/backends/paged_cache.h"

#include <numeric>

namespace gantry::inference_server {

PagedCache::PagedCache(const Shape& shape)
    : m_shape(shape),
      m_values(static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.blocks) *
               static_cast<std::size_t>(shape.tokensPerBlock) * 2 * static_cast<std::size_t>(shape.hidden)),
      m_free(static_cast<std::size_t>(shape.blocks))
{
    std::iota(m_free.rbegin(), m_free.rend(), 0);
}

bool PagedCache::grow(Table& table, int tokens)
{
    const int missing = blocksFor(tokens) - static_cast<int>(table.size());
    if (missing > freeBlocks())
        return false;
    for (int i = 0; i < missing; ++i) {
        table.push_back(m_free.back());
        m_free.pop_back();
    }
    return true;
}

void PagedCache::release(Table& table)
{
    m_free.insert(m_free.end(), table.rbegin(), table.rend());
    table.clear();
}

float* PagedCache::key(int layer, const Table& table, int position)
{
    const auto block = static_cast<std::size_t>(table[static_cast<std::size_t>(position / m_shape.tokensPerBlock)]);
    const std::size_t token = (static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_shape.blocks) + block) *
                                  static_cast<std::size_t>(m_shape.tokensPerBlock) +
                              static_cast<std::size_t>(position % m_shape.tokensPerBlock);
    return m_values.data() + token * 2 * static_cast<std::size_t>(m_shape.hidden);
}

} // namespace gantry::inference_server
