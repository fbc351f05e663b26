#pragma once

#include "trace_model/trace/column.h"

#include <bit>
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
        // No look at the value before this one, although events come in runs: where they do not, a branch that cannot be foretold costs
        // more than the hash.
        if (m_values.size() * 4 >= m_slots.size())
            rehash();
        std::uint32_t& slot = find(value);
        if (slot == kFree) {
            slot = static_cast<std::uint32_t>(m_values.size());
            m_values.push_back(value);
        }
        return slot;
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
    /// In words as small as the fields that were just written: a wider load would wait until all of them have left the store buffer.
    /// Each is multiplied on its own, so that none waits for another.
    static std::size_t hash(const V& value)
    {
        static_assert(sizeof(V) % sizeof(std::uint32_t) == 0);
        const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
        std::uint64_t sum = 0, factor = 0x9E3779B97F4A7C15u; // 2^64 / golden ratio
        for (std::size_t i = 0; i < sizeof(V); i += sizeof(std::uint32_t)) {
            std::uint32_t word;
            std::memcpy(&word, bytes + i, sizeof word);
            sum += word * factor;
            factor = (factor << 7 | factor >> 57) | 1;
        }
        return static_cast<std::size_t>(sum >> 32 ^ sum);
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
        m_slots.assign(std::bit_ceil(std::max<std::size_t>(256, m_values.size() * 8)), kFree); // a frozen one has values and no slots
        for (std::uint32_t i = 0; i < m_values.size(); ++i)
            find(m_values[i]) = i;
    }

    Column<V> m_values;
    std::vector<std::uint32_t> m_slots; ///< open addressing, a power of two
};

} // namespace gantry::trace
