#pragma once

#include "trace_model/import/event_sink.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// A 64-bit hash of bytes: fast, not safe against somebody who looks for collisions.
[[nodiscard]] std::uint64_t hashOf(std::string_view bytes);

/// Ids of the texts that a thread meets again and again, without asking the sink each time. Bounded: when it is full it forgets.
/// One thread.
class TextCache
{
public:
    explicit TextCache(EventSink& sink);

    /// Id of a text; 0 of the empty one.
    [[nodiscard]] TextId id(std::string_view text);

private:
    struct Entry
    {
        std::uint64_t hash = 0;
        const char* text = nullptr; ///< nullptr: free
        std::size_t length = 0;
        TextId id = 0;
    };
    TextId add(std::uint64_t hash, std::string_view text);
    const char* keep(std::string_view text);
    void grow();
    void clear();

    EventSink& m_sink;
    std::vector<Entry> m_entries; ///< power of two, at most half full
    std::size_t m_used = 0;
    std::vector<std::unique_ptr<char[]>> m_blocks; ///< the texts, filled one after the other
    std::vector<std::unique_ptr<char[]>> m_longTexts;
    std::size_t m_blockFree = 0, m_keptBytes = 0;
};

} // namespace gantry::importing
