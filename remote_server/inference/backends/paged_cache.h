#pragma once

#include <cstddef>
#include <vector>

namespace gantry::inference_server {

/// Which blocks of a cache of keys and values are whose. A block has so many tokens. A sequence has a table of the blocks that are its
/// own, in order of its positions, and takes another when the last one is full: what it will need is not reserved. The keys and values
/// themselves are where they are computed. One thread.
class PagedCache
{
public:
    struct Shape
    {
        int blocks = 1; ///< that there are in all
        int tokensPerBlock = 1;

        /// Tokens of all blocks.
        [[nodiscard]] std::size_t slots() const { return static_cast<std::size_t>(blocks) * static_cast<std::size_t>(tokensPerBlock); }
        /// Which of them a position is that the table has room for.
        [[nodiscard]] std::size_t slot(const std::vector<int>& table, int position) const;
    };
    using Table = std::vector<int>;

    explicit PagedCache(const Shape& shape);

    [[nodiscard]] const Shape& shape() const { return m_shape; }
    [[nodiscard]] int blocksFor(int tokens) const { return (tokens + m_shape.tokensPerBlock - 1) / m_shape.tokensPerBlock; }
    [[nodiscard]] int freeBlocks() const { return static_cast<int>(m_free.size()); }

    /// Gives the table blocks for so many tokens. False: there are not enough, and nothing has changed.
    [[nodiscard]] bool grow(Table& table, int tokens);
    /// Takes all blocks of the table back.
    void release(Table& table);

private:
    const Shape m_shape;
    std::vector<int> m_free; ///< the last one is the next to be given out
};

} // namespace gantry::inference_server
