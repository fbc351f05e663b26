#pragma once

#include "trace_model/base/strong_id.h"
#include "trace_model/trace/column.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::trace {

using StringId = StrongId<struct StringTag>; ///< index into the string table

/// Strings, each stored once, one behind the other.
class StringTable
{
public:
    StringTable();
    [[nodiscard]] StringId intern(std::string_view text);
    /// The id of a text that is there, else none. Quick until freeze(), then linear.
    [[nodiscard]] StringId find(std::string_view text) const;
    /// The text, empty for none. Valid while the table lives and nothing is interned.
    [[nodiscard]] std::string_view operator[](StringId id) const;
    [[nodiscard]] std::size_t size() const { return m_ends.size() - 1; }
    /// Gives back what only interning needs.
    void freeze();

    // For whoever stores the table: the texts one behind the other, and where each ends (the first entry is 0).
    [[nodiscard]] Column<char>& texts() { return m_texts; }
    [[nodiscard]] Column<std::uint64_t>& ends() { return m_ends; }

private:
    [[nodiscard]] std::size_t slotOf(std::string_view text) const;
    void rehash(std::size_t slots);

    Column<char> m_texts;
    Column<std::uint64_t> m_ends;
    std::vector<std::uint32_t> m_slots; ///< open addressing, a power of two; empty when frozen
};

} // namespace gantry::trace
