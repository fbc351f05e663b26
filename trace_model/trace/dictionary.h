#pragma once

#include "trace_model/trace/column.h"

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace gantry::trace {

/// Different values of something that many events share (a stream, a launch configuration): a column holds their numbers instead.
/// V: plain values without padding, compared by their bytes.
template <typename V>
class Dictionary
{
    static_assert(std::has_unique_object_representations_v<V>);

public:
    /// The number of a value, the same for equal values.
    [[nodiscard]] std::uint32_t add(const V& value)
    {
        if (m_last < m_values.size() && isEqual(m_values[m_last], value)) // events come in runs
            return m_last;
        if (m_values.size() * 2 >= m_slots.size())
            rehash();
        std::uint32_t& slot = find(value);
        if (slot == kFree) {
            slot = static_cast<std::uint32_t>(m_values.size());
            m_values.push_back(value);
        }
        return m_last = slot;
    }
    /// The value of that number; a default one when there is none (a damaged cache).
    [[nodiscard]] const V& operator[](std::uint32_t number) const
    {
        static const V kNone{};
        return number < m_values.size() ? m_values[number] : kNone;
    }
    [[nodiscard]] std::size_t size() const { return m_values.size(); }
    [[nodiscard]] Column<V>& values() { return m_values; }
    [[nodiscard]] const Column<V>& values() const { return m_values; }
    /// Nothing is added from now on.
    void freeze()
    {
        m_slots = {};
        m_values.shrink();
    }

private:
    static constexpr std::uint32_t kFree = 0xFFFFFFFFu;

    static bool isEqual(const V& a, const V& b) { return std::memcmp(&a, &b, sizeof(V)) == 0; }
    static std::size_t hash(const V& value)
    {
        std::uint64_t h = 0x9E3779B97F4A7C15u;
        const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
        std::size_t i = 0;
        const auto mix = [&](std::uint64_t word) {
            h = (h ^ word) * 0xFF51AFD7ED558CCDu; // the multiplier of MurmurHash3's finaliser
            h ^= h >> 32;
        };
        for (; i + 8 <= sizeof(V); i += 8) {
            std::uint64_t word;
            std::memcpy(&word, bytes + i, 8);
            mix(word);
        }
        if constexpr (sizeof(V) % 8 != 0) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes + i, sizeof(V) % 8);
            mix(word);
        }
        return static_cast<std::size_t>(h);
    }
    std::uint32_t& find(const V& value)
    {
        const std::size_t mask = m_slots.size() - 1;
        std::size_t at = hash(value) & mask;
        while (m_slots[at] != kFree && !isEqual(m_values[m_slots[at]], value))
            at = (at + 1) & mask;
        return m_slots[at];
    }
    void rehash()
    {
        m_slots.assign(std::max<std::size_t>(64, m_slots.size() * 2), kFree);
        for (std::uint32_t i = 0; i < m_values.size(); ++i)
            find(m_values[i]) = i;
    }

    Column<V> m_values;
    std::vector<std::uint32_t> m_slots; ///< open addressing, a power of two
    std::uint32_t m_last = kFree;
};

} // namespace gantry::trace
