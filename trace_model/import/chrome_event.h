#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Values of a trace event that are numbers. Times are ns, the others as they are written.
enum class Number : std::uint8_t
{
    Pid,
    Tid,
    Time,
    Duration,
    Id,
    Correlation,
    Device,
    Context,
    Stream,
    Registers,
    SharedMemory,
    GridX,
    GridY,
    GridZ,
    BlockX,
    BlockY,
    BlockZ,
    GraphNode,
    Graph,
    Bytes,
    SyncedEvent,
    MemoryDeviceType,
    MemoryDevice,
    Allocated,
    Reserved,
    // As Gantry writes what PyTorch's profiler has no arguments for.
    StaticSharedMemory,
    ReturnValue,
    MemsetValue,
    Process,
    NvtxCategory,
    NvtxColor,
    NvtxPayload,
    Count
};

/// Values of a trace event that are texts.
enum class Text : std::uint8_t
{
    Name,
    Pid,
    Tid,
    Id,
    Scope,
    SyncKind,
    ShortName,
    Count
};

inline constexpr std::size_t kNumberCount = static_cast<std::size_t>(Number::Count);
static_assert(kNumberCount <= 32, "a bit for each");
inline constexpr std::size_t kTextCount = static_cast<std::size_t>(Text::Count);

[[nodiscard]] constexpr std::uint32_t bitOf(Number number)
{
    return std::uint32_t{1} << static_cast<unsigned>(number);
}
[[nodiscard]] constexpr std::uint32_t bitOf(Text text)
{
    return std::uint32_t{1} << static_cast<unsigned>(text);
}

/// One event of a Chrome trace as it stands in the file; texts point into the buffer that it was read from. A pid or tid that is a
/// number in quotes is a number here.
struct TraceEvent
{
    std::string_view phase;    ///< "X", "B", ...; empty: absent
    std::string_view category; ///< escapes not resolved
    std::string_view args;     ///< with its braces; empty when absent, and where nothing in it matters
    std::array<std::string_view, kTextCount> texts;
    std::array<std::int64_t, kNumberCount> numbers;
    std::uint32_t textsPresent = 0, numbersPresent = 0; ///< only these are set, one bit each
    std::uint32_t textsEscaped = 0;                     ///< of these texts the escapes are to be resolved
    bool hasOtherArgs = false;                          ///< arguments that nobody is interested in

    [[nodiscard]] bool has(Number number) const { return (numbersPresent & bitOf(number)) != 0; }
    [[nodiscard]] bool has(Text text) const { return (textsPresent & bitOf(text)) != 0; }
    [[nodiscard]] std::int64_t number(Number number) const { return numbers[static_cast<std::size_t>(number)]; }
    /// Empty when absent.
    [[nodiscard]] std::string_view text(Text text) const { return has(text) ? texts[static_cast<std::size_t>(text)] : std::string_view{}; }
    void set(Number number, std::int64_t value)
    {
        numbers[static_cast<std::size_t>(number)] = value;
        numbersPresent |= bitOf(number);
    }
    void set(Text text, std::string_view value)
    {
        texts[static_cast<std::size_t>(text)] = value;
        textsPresent |= bitOf(text);
    }
    void clear()
    {
        phase = category = args = {};
        textsPresent = numbersPresent = textsEscaped = 0;
        hasOtherArgs = false;
    }
};

/// A value in the text of an event, and what it was taken for.
struct ValueSpan
{
    enum class Shape : std::uint8_t
    {
        String,
        Number,
        Container,
        Word
    }; ///< a Word is true, false or null
    enum class Meaning : std::uint8_t
    {
        None,
        Text,
        Integer,
        Time
    };

    std::uint32_t begin = 0, end = 0; ///< offsets in the event; of a string what is between the quotes
    Shape shape = Shape::Word;
    Meaning meaning = Meaning::None;
    std::uint8_t field = 0; ///< Number or Text, by meaning
    bool isInArgs = false;
    std::string_view key;     ///< of what is in args, as it is written
    bool mayBeNumber = false; ///< a string that is none, where a number in quotes would be one
};

/// How strings are told to end.
enum class Quotes : std::uint8_t
{
    Escaped, ///< at the first quote without a backslash
    Loose,   ///< at a quote before what may follow a string: PyTorch did not escape quotes before 2026
};

/// Reads the text of one event. Any order of keys, any layout. One thread.
class EventParser
{
public:
    enum class Outcome : std::uint8_t
    {
        Whole,
        CutOff,
        Malformed
    };

    /// Reads the event whose '{' is at p. Whole: p is behind its '}'. CutOff: the text ends before the event does. Otherwise p stays.
    [[nodiscard]] Outcome parse(const char*& p, const char* end, Quotes quotes, TraceEvent& event);

    /// The values of the last event in order. Of containers in args whose numbers were taken, the numbers.
    [[nodiscard]] const std::vector<ValueSpan>& spans() const { return m_spans; }
    /// Where the args of the last event are in it, braces and all; empty: none.
    [[nodiscard]] const ValueSpan& argsSpan() const { return m_args; }
    /// Whether an event like the last one can be recognised by what stands between its values.
    [[nodiscard]] bool isPlain() const { return m_isPlain; }

private:
    Outcome parseMembers(const char*& p, bool isInArgs);
    Outcome parseValue(const char*& p, std::string_view key, bool isInArgs);
    Outcome parseTriple(const char*& p, Number first);
    const char* findEnd(const char* p, bool isKey, bool& hasEscapes) const;
    void takeString(std::string_view key, std::string_view value, bool isInArgs, bool hasEscapes);
    void takeNumber(std::string_view key, std::string_view value, bool isInArgs);
    bool setNumber(Number field, std::string_view value, ValueSpan& span);
    ValueSpan& addSpan(std::string_view value, ValueSpan::Shape shape, bool isInArgs);

    const char* m_begin = nullptr;
    const char* m_end = nullptr;
    Quotes m_quotes = Quotes::Escaped;
    TraceEvent* m_event = nullptr;
    std::vector<ValueSpan> m_spans;
    ValueSpan m_args;
    std::string_view m_key; ///< of the value that is being read
    bool m_isPlain = false;
};

/// Where the next event may begin after text that is none: the first '{' at or after p that stands behind "}," and before a key that
/// events begin with. nullptr: not before the end.
[[nodiscard]] const char* findNextEvent(const char* p, const char* end);

} // namespace gantry::importing
