#include "trace_model/import/chrome_part.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <string_view>

namespace gantry::importing {
namespace {

// An event larger than this is text that never ends, because of a quote that was not escaped.
constexpr std::size_t kMaxEventBytes = std::size_t{16} << 20;
// Each such event costs a look at all of that text: after so many the file is not worth it.
constexpr int kMaxRunaways = 64;
// What separates two events ("},\n  {\n    \"") is shorter.
constexpr std::size_t kSeparatorBytes = 4096;

constexpr int tagOf(std::size_t category, char phase)
{
    return static_cast<int>(category << 8 | static_cast<unsigned char>(phase));
}

} // namespace

void ChromePart::take(const char* begin, const char* end, bool isLearnable)
{
    const char phase = m_event.phase.size() == 1 ? m_event.phase.front() : '?';
    EventCategories& categories = m_rows.categories();
    const std::size_t category = categories.indexOf(phase == 'M' ? std::string_view("metadata") : m_event.category);
    const EventInterest interest = ChromeRows::interestOf(phase, categories.at(category).kind);
    if (!ChromeRows::needsArgs(phase) && phase != '?') {
        if (isLearnable)
            m_layouts.learn(begin, end, m_parser, interest, tagOf(category, phase));
        for (const ValueSpan& value : m_parser.spans())
            if (value.isInArgs && !interest.has(value)) {
                m_event.hasOtherArgs = true;
                categories.at(category).otherArgs.addName(value.key);
            }
    }
    add(phase, category);
}

void ChromePart::add(char phase, std::size_t category)
{
    if (m_event.hasOtherArgs)
        ++m_rows.categories().at(category).otherArgs.events;
    m_rows.add(m_event, phase, category);
}

EventParser::Outcome ChromePart::readEvent(const char*& p, const char* end)
{
    const char* const begin = p;
    if (const int tag = m_layouts.read(p, end, m_event); tag != EventLayouts::kNoTag) {
        add(static_cast<char>(tag & 0xFF), static_cast<std::size_t>(tag >> 8));
        return EventParser::Outcome::Whole;
    }
    const EventParser::Outcome outcome = m_parser.parse(p, end, Quotes::Escaped, m_event);
    if (outcome == EventParser::Outcome::Whole)
        take(begin, p, true);
    return outcome == EventParser::Outcome::Malformed ? readLoosely(p, end) : outcome;
}

EventParser::Outcome ChromePart::readLoosely(const char*& p, const char* end)
{
    // No further than to the next event: its text must not become part of a string of this one.
    const char* const begin = p;
    const char* const next = findNextEvent(p + 1, end);
    const EventParser::Outcome outcome = m_parser.parse(p, next ? next : end, Quotes::Loose, m_event);
    if (outcome == EventParser::Outcome::Whole) {
        ++m_repaired;
        take(begin, p, false);
    }
    return next && outcome == EventParser::Outcome::CutOff ? EventParser::Outcome::Malformed : outcome;
}

EventParser::Outcome ChromePart::readItem(const char*& p, const char* end)
{
    if (*p == '{') {
        const EventParser::Outcome outcome = readEvent(p, end);
        m_events += outcome == EventParser::Outcome::Whole ? 1 : 0;
        return outcome;
    }
    const char* q = p;
    if (*p == '"') {
        bool hasEscapes = false;
        q = json::findStringEnd(p + 1, end, hasEscapes);
        q = q ? q + 1 : end;
    } else if (*p == '[') {
        q = json::skipContainer(p + 1, end);
        q = q ? q : end;
    } else {
        q = std::find_if(p, end, [](char c) { return json::isSpace(c) || std::string_view(",:\"[]{}").find(c) != std::string_view::npos; });
    }
    if (q >= end)
        return EventParser::Outcome::CutOff;
    if (q == p)
        return EventParser::Outcome::Malformed;
    p = q;
    skip(SkipReason::NotAnObject);
    return EventParser::Outcome::Whole;
}

void ChromePart::skipUnreadable(const TextWindow& window, const char* p)
{
    m_firstUnreadable = std::min(m_firstUnreadable, window.offsetOf(p));
    skip(SkipReason::NotJson);
}

void ChromePart::skip(SkipReason reason)
{
    EventCategories& categories = m_rows.categories();
    categories.at(categories.indexOf({})).skip(reason);
}

Result<ChromePart::Stop> ChromePart::read(TextWindow& window, std::uint64_t limit)
{
    bool isLost = false; // between something unreadable and the next event
    while (true) {
        const char* const end = window.end();
        const std::uint64_t endOffset = window.offsetOf(end);
        const char* const limitAt = limit > endOffset ? end : end - (endOffset - std::max(limit, window.offsetOf(window.cursor)));
        const char* p = window.cursor;
        bool isCutOff = false;
        while (!isCutOff) {
            if (isLost) {
                const char* const next = findNextEvent(p, end);
                isLost = !next;
                p = next ? next : std::max(p, end - std::min(kSeparatorBytes, static_cast<std::size_t>(end - p)));
                if (isLost)
                    break;
            }
            while (p < end && (json::isSpace(*p) || *p == ','))
                ++p;
            if (p >= limitAt) {
                window.cursor = p;
                if (limit <= endOffset)
                    return Stop::Limit;
                break;
            }
            if (*p == ']') {
                window.cursor = p + 1;
                return Stop::ListClosed;
            }
            switch (readItem(p, end)) {
            case EventParser::Outcome::Whole:
                break;
            case EventParser::Outcome::Malformed:
                isLost = true;
                break;
            case EventParser::Outcome::CutOff:
                isCutOff = true;
                break;
            }
            if (isLost)
                skipUnreadable(window, p++);
        }
        window.cursor = p;
        const bool isRunaway = isCutOff && static_cast<std::size_t>(end - p) > kMaxEventBytes;
        if (!isRunaway) {
            GANTRY_TRY(const bool hasMore, window.more());
            if (hasMore)
                continue;
        }
        // An event that does not end hides those behind it, when it lacks a bracket.
        const char* const next = isCutOff ? findNextEvent(window.cursor + 1, window.end()) : nullptr;
        if ((!isRunaway && !next) || ++m_runaways > kMaxRunaways) {
            if (isCutOff)
                skip(SkipReason::CutOff);
            window.cursor = window.end();
            return Stop::TextEnded;
        }
        skipUnreadable(window, window.cursor);
        isLost = !next;
        window.cursor = next ? next : window.end() - kSeparatorBytes;
    }
}

} // namespace gantry::importing
