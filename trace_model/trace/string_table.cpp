#include "trace_model/trace/string_table.h"

#include <functional>

namespace gantry::trace {
namespace {

constexpr std::uint32_t kFree = StringId::kNone;

} // namespace

StringTable::StringTable()
{
    m_ends.push_back(0);
}

std::string_view StringTable::operator[](StringId id) const
{
    if (id.value >= size())
        return {};
    const std::uint64_t start = m_ends[id.value], end = m_ends[id.value + 1];
    return start <= end && end <= m_texts.size() ? std::string_view(m_texts.data() + start, end - start) : std::string_view();
}

std::size_t StringTable::slotOf(std::string_view text) const
{
    const std::size_t mask = m_slots.size() - 1;
    std::size_t at = std::hash<std::string_view>{}(text) & mask;
    while (m_slots[at] != kFree && (*this)[StringId(m_slots[at])] != text)
        at = (at + 1) & mask;
    return at;
}

void StringTable::rehash(std::size_t slots)
{
    m_slots.assign(slots, kFree);
    for (std::uint32_t i = 0; i < size(); ++i)
        m_slots[slotOf((*this)[StringId(i)])] = i;
}

StringId StringTable::intern(std::string_view text)
{
    if (size() * 2 >= m_slots.size()) {
        std::size_t slots = 256;
        while (slots <= size() * 2)
            slots *= 2;
        rehash(slots * 2);
    }
    std::uint32_t& slot = m_slots[slotOf(text)];
    if (slot == kFree) {
        slot = static_cast<std::uint32_t>(size());
        m_texts.append(std::span(text.data(), text.size()));
        m_ends.push_back(m_texts.size());
    }
    return StringId(slot);
}

StringId StringTable::find(std::string_view text) const
{
    if (!m_slots.empty())
        return StringId(m_slots[slotOf(text)]);
    for (std::uint32_t i = 0; i < size(); ++i)
        if ((*this)[StringId(i)] == text)
            return StringId(i);
    return {};
}

void StringTable::freeze()
{
    m_slots = {};
    m_texts.shrink();
    m_ends.shrink();
}

} // namespace gantry::trace
