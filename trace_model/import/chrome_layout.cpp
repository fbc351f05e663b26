#include "trace_model/import/chrome_layout.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kMaxLayouts = 32;
constexpr std::size_t kMaxSteps = 64;
constexpr std::size_t kMaxLiteral = 255;
constexpr std::size_t kMaxWords = 4096;
// Once there are kMaxLayouts, one is replaced by the next that is asked for after so many misses.
constexpr std::uint64_t kMissesPerReplacement = 256;
// So many always fit into 64 bits; numbers with more take the long way.
constexpr int kMaxDigits = 18;
constexpr std::int64_t kMaxMicroseconds = std::numeric_limits<std::int64_t>::max() / 1000 - 1;

std::uint64_t loadWord(const char* p)
{
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
}

constexpr std::uint64_t kFirstBytes[] = {
    0x0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
};

/// The lowest `count` bytes in memory order.
constexpr std::uint64_t firstBytes(std::size_t count)
{
    return std::endian::native == std::endian::little ? kFirstBytes[count] : ~(~std::uint64_t{0} >> (8 * count));
}

/// Reads an integer of at most kMaxDigits digits; nullptr: none, or longer.
const char* readInteger(const char* p, std::int64_t& value)
{
    const bool isNegative = *p == '-';
    p += isNegative ? 1 : 0;
    const char* const digits = p;
    std::int64_t magnitude = 0;
    while (json::isDigit(*p) && p - digits <= kMaxDigits)
        magnitude = magnitude * 10 + (*p++ - '0');
    if (p == digits || p - digits > kMaxDigits)
        return nullptr;
    value = isNegative ? -magnitude : magnitude;
    return p;
}

/// Reads microseconds as ns; nullptr: none, or a form that needs a closer look.
const char* readMicroseconds(const char* p, std::int64_t& ns)
{
    const bool isNegative = *p == '-';
    p += isNegative ? 1 : 0;
    const char* const digits = p;
    std::int64_t magnitude = 0;
    while (json::isDigit(*p) && p - digits <= kMaxDigits)
        magnitude = magnitude * 10 + (*p++ - '0');
    if (p == digits || p - digits > kMaxDigits || magnitude > kMaxMicroseconds)
        return nullptr;
    magnitude *= 1000;
    if (*p == '.') {
        ++p;
        for (std::int64_t unit = 100; unit > 0 && json::isDigit(*p); unit /= 10)
            magnitude += unit * (*p++ - '0');
        if (json::isDigit(*p)) {
            magnitude += *p >= '5' ? 1 : 0;
            while (json::isDigit(*p))
                ++p;
        }
    }
    ns = isNegative ? -magnitude : magnitude;
    return p;
}

constexpr bool mayBeginNumber(char c)
{
    return json::isDigit(c) || c == '.' || c == '-' || c == '+';
}

const char* skipDigits(const char* p)
{
    while (json::isDigit(*p))
        ++p;
    return p;
}

/// Skips a number; nullptr: none.
const char* skipNumber(const char* p)
{
    p += *p == '-' || *p == '+' ? 1 : 0;
    const char* const whole = skipDigits(p);
    std::ptrdiff_t digits = whole - p;
    p = whole;
    if (*p == '.') {
        p = skipDigits(whole + 1);
        digits += p - whole - 1;
    }
    if (*p == 'e' || *p == 'E') {
        const char* const exponent = p + (p[1] == '-' || p[1] == '+' ? 2 : 1);
        const char* const end = skipDigits(exponent);
        p = end > exponent ? end : p;
    }
    return digits > 0 ? p : nullptr;
}

} // namespace

const char* EventLayouts::match(const Layout& layout, const char* p, const char* end, TraceEvent& event)
{
    // The padding behind the end keeps the scans below in bounds. That all of an event lies before the end shows its last
    // literal: it ends with a brace, and the padding has none.
    const std::uint64_t* const words = layout.words.data();
    for (const Step& step : layout.steps) {
        const std::uint64_t* word = words + step.firstWord;
        const char* literal = p;
        for (std::uint8_t i = 0; i < step.wholeWords; ++i, literal += 8)
            if (loadWord(literal) != *word++)
                return nullptr;
        if (const std::size_t rest = step.literalBytes % 8; rest != 0 && (loadWord(literal) & firstBytes(rest)) != *word)
            return nullptr;
        p += step.literalBytes;
        switch (step.action) {
        case Action::Text:
        case Action::SkipString: {
            bool hasEscapes = false;
            const char* const valueEnd = json::findStringEnd(p, end, hasEscapes);
            if (!valueEnd || (step.mayBeNumber && mayBeginNumber(*p)))
                return nullptr;
            if (step.action == Action::Text) {
                event.texts[step.field] = {p, static_cast<std::size_t>(valueEnd - p)};
                // Of a key that is there twice the last counts.
                const std::uint32_t bit = std::uint32_t{1} << step.field;
                event.textsEscaped = hasEscapes ? event.textsEscaped | bit : event.textsEscaped & ~bit;
            }
            p = valueEnd;
            break;
        }
        case Action::Integer:
            p = readInteger(p, event.numbers[step.field]);
            if (!p)
                return nullptr;
            break;
        case Action::Time:
            p = readMicroseconds(p, event.numbers[step.field]);
            if (!p)
                return nullptr;
            break;
        case Action::SkipNumber:
            p = skipNumber(p);
            if (!p)
                return nullptr;
            break;
        case Action::SkipContainer:
            p = json::skipContainer(p, end); // its first bracket ends the literal
            if (!p)
                return nullptr;
            break;
        case Action::SkipArgs: {
            const char* const args = json::skipSpace(p, end);
            p = json::skipContainer(p, end);
            if (!p)
                return nullptr;
            event.hasOtherArgs = args + 1 != p;
            break;
        }
        case Action::End:
            return p <= end ? p : nullptr;
        }
    }
    return nullptr;
}

int EventLayouts::read(const char*& p, const char* end, TraceEvent& event)
{
    if (m_layouts.empty())
        return kNoTag;
    const auto tryLayout = [&](std::size_t index) {
        Layout& layout = m_layouts[index];
        event.textsEscaped = 0;
        event.hasOtherArgs = layout.hasOtherArgs;
        const char* const eventEnd = match(layout, p, end, event);
        if (!eventEnd)
            return false;
        event.textsPresent = layout.textsPresent;
        event.numbersPresent = layout.numbersPresent;
        ++layout.uses;
        m_layouts[m_last].next = index;
        m_last = index;
        p = eventEnd;
        return true;
    };
    const std::size_t predicted = m_layouts[m_last].next;
    if (tryLayout(predicted))
        return m_layouts[predicted].tag;
    for (std::size_t index = 0; index < m_layouts.size(); ++index)
        if (index != predicted && tryLayout(index))
            return m_layouts[index].tag;
    ++m_misses;
    return kNoTag;
}

bool EventLayouts::appendStep(Layout& layout, std::string_view literal, Step step)
{
    const std::size_t words = (literal.size() + 7) / 8;
    if (literal.size() > kMaxLiteral || layout.steps.size() == kMaxSteps || layout.words.size() + words > kMaxWords)
        return false;
    step.firstWord = static_cast<std::uint16_t>(layout.words.size());
    step.wholeWords = static_cast<std::uint8_t>(literal.size() / 8);
    step.literalBytes = static_cast<std::uint8_t>(literal.size());
    layout.steps.push_back(step);
    for (std::size_t at = 0; at < literal.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, literal.data() + at, std::min<std::size_t>(8, literal.size() - at));
        layout.words.push_back(word);
    }
    return true;
}

void EventLayouts::learn(const char* begin, const char* end, const EventParser& parser, EventInterest interest, int tag)
{
    if (!parser.isPlain() || (m_layouts.size() == kMaxLayouts && m_misses < kMissesPerReplacement))
        return;
    Layout layout;
    layout.tag = tag;
    std::uint32_t done = 0; // offset behind the last value
    const auto append = [&](std::uint32_t valueBegin, std::uint32_t valueEnd, Step step) {
        const bool isOk = appendStep(layout, {begin + done, valueBegin - done}, step);
        done = valueEnd;
        return isOk;
    };
    // Of args where nothing matters only the bracket is compared, so that one layout serves whatever is in them.
    const ValueSpan& args = parser.argsSpan();
    bool areArgsDone = args.end == 0 || interest.hasArgs();
    const auto skipArgs = [&] {
        areArgsDone = true;
        return append(args.begin + 1, args.end, {.action = Action::SkipArgs});
    };
    for (const ValueSpan& span : parser.spans()) {
        if (span.isInArgs && !interest.hasArgs())
            continue;
        if (!areArgsDone && span.begin > args.begin && !skipArgs())
            return;
        layout.hasOtherArgs = layout.hasOtherArgs || (span.isInArgs && !interest.has(span));
        Step step{.field = span.field, .mayBeNumber = span.mayBeNumber};
        std::uint32_t valueBegin = span.begin;
        switch (span.shape) {
        case ValueSpan::Shape::String:
            step.action = Action::SkipString;
            break;
        case ValueSpan::Shape::Number:
            step.action = Action::SkipNumber;
            break;
        case ValueSpan::Shape::Container:
            step.action = Action::SkipContainer;
            ++valueBegin;
            break;
        case ValueSpan::Shape::Word:
            continue; // compared like a key
        }
        if (span.meaning == ValueSpan::Meaning::Text && (interest.texts >> span.field & 1) != 0) {
            step.action = Action::Text;
            layout.textsPresent |= std::uint32_t{1} << span.field;
        } else if ((span.meaning == ValueSpan::Meaning::Integer || span.meaning == ValueSpan::Meaning::Time) &&
                   (interest.numbers >> span.field & 1) != 0) {
            step.action = span.meaning == ValueSpan::Meaning::Time ? Action::Time : Action::Integer;
            layout.numbersPresent |= std::uint32_t{1} << span.field;
        }
        if (!append(valueBegin, span.end, step))
            return;
    }
    if (!areArgsDone && !skipArgs())
        return;
    const auto eventBytes = static_cast<std::uint32_t>(end - begin);
    if (!append(eventBytes, eventBytes, {.action = Action::End}))
        return;

    m_misses = 0;
    if (m_layouts.size() < kMaxLayouts) {
        m_layouts.push_back(std::move(layout));
        m_layouts.back().next = m_layouts.size() - 1;
        return;
    }
    const auto leastUsed =
        std::min_element(m_layouts.begin(), m_layouts.end(), [](const Layout& a, const Layout& b) { return a.uses < b.uses; });
    layout.next = static_cast<std::size_t>(leastUsed - m_layouts.begin());
    *leastUsed = std::move(layout);
    for (Layout& known : m_layouts)
        known.uses /= 2;
}

} // namespace gantry::importing
