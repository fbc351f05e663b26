#pragma once

#include "trace_model/import/chrome_event.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// The numbers that stand in an event's args; those before them stand in the event itself.
inline constexpr std::uint32_t kArgNumbers = ~(bitOf(Number::Correlation) - 1);

/// What of an event matters to whom reads it; the rest is skipped without being looked at.
struct EventInterest
{
    std::uint32_t numbers = 0, texts = 0; ///< bitOf() each

    /// Whether something in the event's args matters.
    [[nodiscard]] constexpr bool hasArgs() const { return (numbers & kArgNumbers) != 0 || (texts & bitOf(Text::SyncKind)) != 0; }
    /// Whether this value does.
    [[nodiscard]] constexpr bool has(const ValueSpan& value) const
    {
        return value.meaning != ValueSpan::Meaning::None &&
               ((value.meaning == ValueSpan::Meaning::Text ? texts : numbers) >> value.field & 1) != 0;
    }
};

/// Reads events by guessing how they are laid out. A program writes the events of a category all alike, so that what stands between
/// the values of one event (keys, commas, white space) stands between those of the next: this learns it from events that
/// EventParser has read, whoever wrote them, and then compares instead of parsing. An event that is laid out differently is not
/// read, never misread: every byte outside its values has been compared. One thread.
class EventLayouts
{
public:
    static constexpr int kNoTag = -1;

    /// Reads the event at p when it is laid out like one that was learned: p is behind it then, and the tag of that one is returned.
    /// kNoTag: it is not, or the text ends before the event. Of `event` only what is of interest is set and whether it has other
    /// args, and neither phase, category nor args.
    [[nodiscard]] int read(const char*& p, const char* end, TraceEvent& event);

    /// Learns the layout of the event at `begin` that `parser` has just read.
    void learn(const char* begin, const char* end, const EventParser& parser, EventInterest interest, int tag);

private:
    enum class Action : std::uint8_t
    {
        Text,
        Integer,
        Time,
        SkipString,
        SkipNumber,
        SkipContainer,
        SkipArgs,
        End
    };
    struct Step
    {
        std::uint16_t firstWord = 0; ///< of m_words: what stands before the value
        std::uint8_t wholeWords = 0;
        std::uint8_t literalBytes = 0;
        Action action = Action::End;
        std::uint8_t field = 0;
        bool mayBeNumber = false; ///< as ValueSpan has it
    };
    struct Layout
    {
        std::vector<Step> steps;
        std::vector<std::uint64_t> words; ///< literals, eight bytes each, the last of a literal filled up with zeros
        std::uint32_t numbersPresent = 0, textsPresent = 0;
        int tag = kNoTag;
        bool hasOtherArgs = false; ///< than those of interest
        std::size_t next = 0; ///< the layout of the event that came after the last one of this
        std::uint64_t uses = 0;
    };

    [[nodiscard]] static const char* match(const Layout& layout, const char* p, const char* end, TraceEvent& event);
    static bool appendStep(Layout& layout, std::string_view literal, Step step);

    std::vector<Layout> m_layouts;
    std::size_t m_last = 0;
    std::uint64_t m_misses = 0; ///< events read by no layout since one was learned
};

} // namespace gantry::importing
