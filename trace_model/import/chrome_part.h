#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/chrome_event.h"
#include "trace_model/import/chrome_layout.h"
#include "trace_model/import/chrome_rows.h"
#include "trace_model/import/text_window.h"

#include <cstdint>
#include <limits>

namespace gantry::importing {

/// Reads a stretch of the list of events of a trace. One thread at a time.
class ChromePart
{
public:
    enum class Stop : std::uint8_t
    {
        ListClosed, ///< behind the list's bracket
        Limit,      ///< at the first event at or behind the limit
        TextEnded,  ///< in the list
    };
    static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

    ChromePart(EventSink& sink, TrackIds& ids, const ChromeContext& context) : m_rows(sink, ids, context) {}

    /// Reads events from the window's cursor, which stands between two of them, and leaves it where the reading stopped.
    Result<Stop> read(TextWindow& window, std::uint64_t limit = kNoLimit);

    [[nodiscard]] ChromeRows& rows() { return m_rows; }
    /// Events met, whatever became of them.
    [[nodiscard]] std::uint64_t events() const { return m_events; }
    /// Events that are no JSON because of quotes that should have been escaped, and could be read all the same.
    [[nodiscard]] std::uint64_t repaired() const { return m_repaired; }
    /// Offset of the first event that could not be read; kNoLimit: none.
    [[nodiscard]] std::uint64_t firstUnreadable() const { return m_firstUnreadable; }

private:
    [[nodiscard]] EventParser::Outcome readItem(const char*& p, const char* end);
    [[nodiscard]] EventParser::Outcome readEvent(const char*& p, const char* end);
    [[nodiscard]] EventParser::Outcome readLoosely(const char*& p, const char* end);
    void add(char phase, std::size_t category);
    void take(const char* begin, const char* end, bool isLearnable);
    void skipUnreadable(const TextWindow& window, const char* p);
    void skip(SkipReason reason);

    ChromeRows m_rows;
    EventParser m_parser;
    EventLayouts m_layouts;
    TraceEvent m_event;
    std::uint64_t m_events = 0, m_repaired = 0;
    std::uint64_t m_firstUnreadable = kNoLimit;
    int m_runaways = 0; ///< events that do not end
};

} // namespace gantry::importing
