#pragma once

#include <cstddef>
#include <vector>

namespace gantry::inference_server {

/// Keys and values of the tokens that sequences have seen, FP32, in blocks of so many tokens each. A sequence has a table of the blocks
/// that are its own, in order of its positions, and takes another when the last one is full: what it will need is not reserved. One
/// thread.
class PagedCache
{
public:
    struct Shape
    {
        int layers = 1, hidden = 1;
        int blocks = 1; ///< that there are in all
        int tokensPerBlock = 1;
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

    /// `hidden` values of a position that the table has room for.
    [[nodiscard]] float* key(int layer, const Table& table, int position);
    [[nodiscard]] float* value(int layer, const Table& table, int position) { return key(layer, table, position) + m_shape.hidden; }

private:
    const Shape m_shape;
    std::vector<float> m_values; ///< [layer][block][token][key, value]
    std::vector<int> m_free;     ///< the last one is the next to be given out
};

} // namespace gantry::inference_server
