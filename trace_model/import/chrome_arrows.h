#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::importing {

/// Correlation ids, mostly small numbers that lie close together. One thread.
class CorrelationSet
{
public:
    void insert(std::uint32_t id)
    {
        const std::uint32_t block = id / kBlockIds;
        if (!m_last || block != m_lastNumber) {
            m_last = &m_blocks[block]; // which stays where it is
            m_lastNumber = block;
        }
        (*m_last)[id % kBlockIds / 64] |= std::uint64_t{1} << id % 64;
    }
    [[nodiscard]] bool contains(std::uint32_t id) const
    {
        const auto block = m_blocks.find(id / kBlockIds);
        return block != m_blocks.end() && (block->second[id % kBlockIds / 64] >> id % 64 & 1) != 0;
    }
    void merge(const CorrelationSet& other)
    {
        for (const auto& [number, words] : other.m_blocks) {
            Block& block = m_blocks[number];
            for (std::size_t i = 0; i < block.size(); ++i)
                block[i] |= words[i];
        }
    }

private:
    static constexpr std::uint32_t kBlockIds = 512;
    using Block = std::array<std::uint64_t, kBlockIds / 64>;

    std::unordered_map<std::uint32_t, Block> m_blocks;
    Block* m_last = nullptr;
    std::uint32_t m_lastNumber = 0;
};

/// Arrows ("s", "t", "f") that may lead from calls to the work that they launched: their id is the correlation id of both. They are
/// counted as used when it is, once all of the file is read. One thread.
class LaunchArrows
{
public:
    /// Whether arrows of a category are of launches: PyTorch's "ac2g", and "async" until 2022.
    [[nodiscard]] static bool isLaunch(std::string_view category) { return category == "ac2g" || category == "async"; }

    void addCall(std::uint32_t correlation)
    {
        if (correlation != 0)
            m_calls.insert(correlation);
    }
    void addWork(std::uint32_t correlation)
    {
        if (correlation != 0)
            m_work.insert(correlation);
    }
    void addArrow(std::size_t category, std::uint32_t id) { m_arrows.emplace_back(static_cast<std::uint32_t>(category), id); }

    /// Takes over what another part of the file has of calls and work.
    void mergeEnds(const LaunchArrows& other)
    {
        m_calls.merge(other.m_calls);
        m_work.merge(other.m_work);
    }
    [[nodiscard]] bool joins(std::uint32_t id) const { return m_calls.contains(id) && m_work.contains(id); }
    /// Category and id of each arrow.
    [[nodiscard]] const std::vector<std::pair<std::uint32_t, std::uint32_t>>& arrows() const { return m_arrows; }

private:
    CorrelationSet m_calls, m_work;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> m_arrows;
};

} // namespace gantry::importing
