#include "remote_server/inference/backends/paged_cache.h"

#include <numeric>

namespace gantry::inference_server {

std::size_t PagedCache::Shape::slot(const Table& table, int position) const
{
    const auto block = static_cast<std::size_t>(table[static_cast<std::size_t>(position / tokensPerBlock)]);
    return block * static_cast<std::size_t>(tokensPerBlock) + static_cast<std::size_t>(position % tokensPerBlock);
}

PagedCache::PagedCache(const Shape& shape) : m_shape(shape), m_free(static_cast<std::size_t>(shape.blocks))
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

} // namespace gantry::inference_server
