#include "trace_model/import/chrome_event.h"

#include "trace_model/import/json_text.h"

#include <cstring>
#include <optional>
#include <utility>

namespace gantry::importing {
namespace {

using Shape = ValueSpan::Shape;
using Meaning = ValueSpan::Meaning;

constexpr int kMicrosecondsToNs = 3;

std::string_view textOf(const char* from, const char* to)
{
    return {from, static_cast<std::size_t>(to - from)};
}

std::optional<Number> eventNumber(std::string_view key)
{
    if (key == "ts")
        return Number::Time;
    if (key == "dur")
        return Number::Duration;
    if (key == "pid")
        return Number::Pid;
    if (key == "tid")
        return Number::Tid;
    if (key == "id")
        return Number::Id;
    return std::nullopt;
}

std::optional<Text> eventText(std::string_view key)
{
    if (key == "name")
        return Text::Name;
    if (key == "pid")
        return Text::Pid;
    if (key == "tid")
        return Text::Tid;
    if (key == "id" || key == "id2")
        return Text::Id;
    if (key == "scope")
        return Text::Scope;
    return std::nullopt;
}

constexpr std::pair<std::string_view, Number> kArgNumbers[] = {
    {"correlation", Number::Correlation},
    {"device", Number::Device},
    {"context", Number::Context},
    {"stream", Number::Stream},
    {"registers per thread", Number::Registers},
    {"shared memory", Number::SharedMemory},
    {"graph node id", Number::GraphNode},
    {"graph id", Number::Graph},
    {"bytes", Number::Bytes},
    {"wait_on_cuda_event_id", Number::SyncedEvent},
    {"event_id", Number::SyncedEvent},
    {"Device Type", Number::MemoryDeviceType},
    {"Device Id", Number::MemoryDevice},
    {"Total Allocated", Number::Allocated},
    {"Total Reserved", Number::Reserved},
    {"static shared memory", Number::StaticSharedMemory},
    {"return value", Number::ReturnValue},
    {"value", Number::MemsetValue},
    {"process", Number::Process},
    {"nvtx category", Number::NvtxCategory},
    {"nvtx color", Number::NvtxColor},
    {"nvtx payload", Number::NvtxPayload},
};

std::optional<Number> argNumber(std::string_view key)
{
    for (const auto& [name, number] : kArgNumbers)
        if (name == key)
            return number;
    return std::nullopt;
}

constexpr bool isTime(Number number)
{
    return number == Number::Time || number == Number::Duration;
}

} // namespace

const char* EventParser::findEnd(const char* p, bool isKey, bool& hasEscapes) const
{
    return m_quotes == Quotes::Escaped ? json::findStringEnd(p, m_end, hasEscapes) : json::findLooseStringEnd(p, m_end, isKey, hasEscapes);
}

ValueSpan& EventParser::addSpan(std::string_view value, Shape shape, bool isInArgs)
{
    ValueSpan span;
    span.begin = static_cast<std::uint32_t>(value.data() - m_begin);
    span.end = span.begin + static_cast<std::uint32_t>(value.size());
    span.shape = shape;
    span.isInArgs = isInArgs;
    span.key = m_key;
    return m_spans.emplace_back(span);
}

bool EventParser::setNumber(Number field, std::string_view value, ValueSpan& span)
{
    const auto number = json::integerOf(value, isTime(field) ? kMicrosecondsToNs : 0);
    if (!number)
        return false;
    m_event->set(field, *number);
    span.meaning = isTime(field) ? Meaning::Time : Meaning::Integer;
    span.field = static_cast<std::uint8_t>(field);
    return true;
}

void EventParser::takeString(std::string_view key, std::string_view value, bool isInArgs, bool hasEscapes)
{
    if (!isInArgs && (key == "ph" || key == "cat")) {
        // Part of what the event is recognised by, so no value.
        std::string_view& field = key == "ph" ? m_event->phase : m_event->category;
        m_isPlain = m_isPlain && !hasEscapes && field.data() == nullptr;
        field = value;
        return;
    }
    ValueSpan& span = addSpan(value, Shape::String, isInArgs);
    if (const auto field = isInArgs ? argNumber(key) : eventNumber(key)) {
        if (setNumber(*field, value, span))
            return;
        span.mayBeNumber = true;
    }
    std::optional<Text> text = isInArgs ? std::nullopt : eventText(key);
    if (isInArgs && key == "cuda_sync_kind")
        text = Text::SyncKind;
    if (isInArgs && key == "short name")
        text = Text::ShortName;
    if (!text)
        return;
    m_event->set(*text, value);
    if (hasEscapes)
        m_event->textsEscaped |= bitOf(*text);
    else
        m_event->textsEscaped &= ~bitOf(*text);
    span.meaning = Meaning::Text;
    span.field = static_cast<std::uint8_t>(*text);
}

void EventParser::takeNumber(std::string_view key, std::string_view value, bool isInArgs)
{
    ValueSpan& span = addSpan(value, Shape::Number, isInArgs);
    if (const auto field = isInArgs ? argNumber(key) : eventNumber(key); field && !setNumber(*field, value, span))
        m_isPlain = false; // too large: the next one may not be
}

EventParser::Outcome EventParser::parseTriple(const char*& p, Number first)
{
    // Three numbers, else whatever it is is skipped by the caller.
    const char* q = p + 1;
    std::string_view values[3];
    for (int i = 0; i < 3; ++i) {
        q = json::skipSpace(q, m_end);
        json::Decimal ignored;
        const char* const numberEnd = json::readNumber(q, m_end, ignored);
        if (numberEnd == q)
            return Outcome::Malformed;
        values[i] = textOf(q, numberEnd);
        q = json::skipSpace(numberEnd, m_end);
        if (q >= m_end)
            return Outcome::CutOff;
        if (*q != (i < 2 ? ',' : ']'))
            return Outcome::Malformed;
        ++q;
    }
    for (int i = 0; i < 3; ++i)
        if (!setNumber(static_cast<Number>(static_cast<int>(first) + i), values[i], addSpan(values[i], Shape::Number, true)))
            m_isPlain = false;
    p = q;
    return Outcome::Whole;
}

EventParser::Outcome EventParser::parseValue(const char*& p, std::string_view key, bool isInArgs)
{
    bool hasEscapes = false;
    if (*p == '"') {
        const char* const valueEnd = findEnd(p + 1, false, hasEscapes);
        if (!valueEnd)
            return Outcome::CutOff;
        takeString(key, textOf(p + 1, valueEnd), isInArgs, hasEscapes);
        p = valueEnd + 1;
        return Outcome::Whole;
    }
    if (*p == '{' && !isInArgs && key == "args") {
        const char* const begin = p;
        const Outcome outcome = parseMembers(p, true);
        if (outcome != Outcome::Whole)
            return outcome;
        m_event->args = textOf(begin, p);
        m_args.begin = static_cast<std::uint32_t>(begin - m_begin);
        m_args.end = static_cast<std::uint32_t>(p - m_begin);
        return Outcome::Whole;
    }
    if (*p == '{' || *p == '[') {
        if (isInArgs && *p == '[' && (key == "grid" || key == "block")) {
            const Outcome outcome = parseTriple(p, key == "grid" ? Number::GridX : Number::BlockX);
            if (outcome != Outcome::Malformed)
                return outcome;
            m_isPlain = false;
        }
        const char* const valueEnd = json::skipContainer(p + 1, m_end);
        if (!valueEnd)
            return Outcome::CutOff;
        ValueSpan& span = addSpan(textOf(p, valueEnd), Shape::Container, isInArgs);
        if (!isInArgs && key == "id2") {
            m_event->set(Text::Id, textOf(p, valueEnd));
            span.meaning = Meaning::Text;
            span.field = static_cast<std::uint8_t>(Text::Id);
            m_isPlain = false;
        }
        p = valueEnd;
        return Outcome::Whole;
    }
    json::Decimal ignored;
    if (const char* const numberEnd = json::readNumber(p, m_end, ignored); numberEnd != p) {
        if (numberEnd >= m_end)
            return Outcome::CutOff; // it may go on
        takeNumber(key, textOf(p, numberEnd), isInArgs);
        p = numberEnd;
        return Outcome::Whole;
    }
    // true, false, null, and NaN or -Infinity as Python writes them.
    const char* q = p + (*p == '-' ? 1 : 0);
    while (q < m_end && ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'z'))
        ++q;
    if (q >= m_end)
        return Outcome::CutOff;
    if (q == p)
        return Outcome::Malformed;
    addSpan(textOf(p, q), Shape::Word, isInArgs);
    p = q;
    return Outcome::Whole;
}

EventParser::Outcome EventParser::parseMembers(const char*& p, bool isInArgs)
{
    const char* q = json::skipSpace(p + 1, m_end);
    if (q < m_end && *q == '}') {
        p = q + 1;
        return Outcome::Whole;
    }
    while (true) {
        q = json::skipSpace(q, m_end);
        if (q >= m_end)
            return Outcome::CutOff;
        if (*q != '"')
            return Outcome::Malformed;
        bool hasEscapes = false;
        const char* const keyEnd = findEnd(q + 1, true, hasEscapes);
        if (!keyEnd)
            return Outcome::CutOff;
        const std::string_view key = m_key = textOf(q + 1, keyEnd);
        q = json::skipSpace(keyEnd + 1, m_end);
        if (q >= m_end)
            return Outcome::CutOff;
        if (*q != ':')
            return Outcome::Malformed;
        q = json::skipSpace(q + 1, m_end);
        if (q >= m_end)
            return Outcome::CutOff;
        if (const Outcome outcome = parseValue(q, key, isInArgs); outcome != Outcome::Whole)
            return outcome;
        q = json::skipSpace(q, m_end);
        if (q >= m_end)
            return Outcome::CutOff;
        if (*q == '}') {
            p = q + 1;
            return Outcome::Whole;
        }
        if (*q != ',')
            return Outcome::Malformed;
        ++q;
        // A comma before the closing brace is what some writers leave.
        const char* const next = json::skipSpace(q, m_end);
        if (next < m_end && *next == '}') {
            p = next + 1;
            return Outcome::Whole;
        }
    }
}

EventParser::Outcome EventParser::parse(const char*& p, const char* end, Quotes quotes, TraceEvent& event)
{
    m_begin = p;
    m_end = end;
    m_quotes = quotes;
    m_event = &event;
    m_spans.clear();
    m_args = {};
    m_isPlain = quotes == Quotes::Escaped;
    event.clear();
    const char* q = p;
    const Outcome outcome = parseMembers(q, false);
    if (outcome == Outcome::Whole)
        p = q;
    return outcome;
}

const char* findNextEvent(const char* p, const char* end)
{
    // Objects inside of events stand behind each other too, but seldom begin with one of these.
    constexpr std::string_view kFirstKeys[] = {"ph\"", "name\"", "cat\"", "pid\"", "tid\"", "ts\"", "dur\"", "args\"", "id\"", "s\""};
    for (; p < end; ++p) {
        p = static_cast<const char*>(std::memchr(p, '}', static_cast<std::size_t>(end - p)));
        if (!p)
            return nullptr;
        const char* q = json::skipSpace(p + 1, end);
        if (q >= end || *q != ',')
            continue;
        q = json::skipSpace(q + 1, end);
        if (q >= end || *q != '{')
            continue;
        const char* const key = json::skipSpace(q + 1, end);
        if (key >= end || *key != '"')
            continue;
        const std::string_view rest = textOf(key + 1, end);
        for (const std::string_view first : kFirstKeys)
            if (rest.starts_with(first))
                return q;
    }
    return nullptr;
}

} // namespace gantry::importing
