#include "trace_model/exporting/json_events.h"

#include "trace_model/report/utf8.h"

#include <string>

namespace gantry::exporting {

void JsonEvents::begin(char phase)
{
    m_out << (m_isFirst ? "\n{\"ph\": \"" : ",\n{\"ph\": \"") << phase << '"';
    m_isFirst = false;
    m_hasArguments = false;
}

void JsonEvents::begin(char phase, std::string_view category, std::string_view name)
{
    begin(phase);
    m_out << ", \"cat\": ";
    string(category);
    m_out << ", \"name\": ";
    string(name);
}

void JsonEvents::place(EventPlace place)
{
    m_out << ", \"pid\": " << place.process << ", \"tid\": " << place.thread << ", \"ts\": ";
}

void JsonEvents::microseconds(DurationNs time)
{
    if (time < 0) {
        m_out << '-';
        time = -time;
    }
    const auto rest = static_cast<int>(time % 1000);
    m_out << time / 1000 << '.' << static_cast<char>('0' + rest / 100) << static_cast<char>('0' + rest / 10 % 10) << static_cast<char>('0' + rest % 10);
}

void JsonEvents::beginSlice(std::string_view category, std::string_view name, EventPlace where, TimeRange range)
{
    begin('X', category, name);
    place(where);
    time(range.start);
    m_out << ", \"dur\": ";
    microseconds(range.duration());
    m_out << ", \"args\": {";
}

void JsonEvents::beginOpenSlice(std::string_view category, std::string_view name, EventPlace where, TimestampNs start)
{
    begin('B', category, name);
    place(where);
    time(start);
    m_out << ", \"args\": {";
}

void JsonEvents::beginAsync(std::string_view category, std::string_view name, EventPlace where, TimestampNs start, std::uint64_t id)
{
    begin('b', category, name);
    m_out << ", \"id\": " << id;
    place(where);
    time(start);
    m_out << ", \"args\": {";
}

void JsonEvents::endAsync(std::string_view category, std::string_view name, EventPlace where, TimestampNs end, std::uint64_t id)
{
    begin('e', category, name);
    m_out << ", \"id\": " << id;
    place(where);
    time(end);
    m_out << '}';
}

void JsonEvents::beginInstant(std::string_view category, std::string_view name, EventPlace where, TimestampNs at)
{
    begin('i', category, name);
    m_out << ", \"s\": \"t\""; // of its thread
    place(where);
    time(at);
    m_out << ", \"args\": {";
}

void JsonEvents::beginCounter(std::string_view name, EventPlace where, TimestampNs at)
{
    begin('C');
    m_out << ", \"name\": ";
    string(name);
    place(where);
    time(at);
    m_out << ", \"args\": {";
}

void JsonEvents::beginMetadata(std::string_view what, EventPlace where)
{
    begin('M');
    m_out << ", \"name\": ";
    string(what);
    place(where);
    m_out << "0, \"args\": {";
}

void JsonEvents::argument(std::string_view name, const std::array<std::uint32_t, 3>& values)
{
    m_out << (m_hasArguments ? ", \"" : "\"") << name << "\": [" << values[0] << ", " << values[1] << ", " << values[2] << ']';
    m_hasArguments = true;
}

bool JsonEvents::end()
{
    m_out << "}}";
    return m_out.step();
}

void JsonEvents::flow(char phase, std::uint64_t id, EventPlace where, TimestampNs at)
{
    begin(phase);
    m_out << ", \"id\": " << id;
    place(where);
    time(at);
    m_out << ", \"cat\": \"ac2g\", \"name\": \"ac2g\"";
}

void JsonEvents::flowStart(std::uint64_t id, EventPlace where, TimestampNs at)
{
    flow('s', id, where, at);
    m_out << '}';
}

void JsonEvents::flowEnd(std::uint64_t id, EventPlace where, TimestampNs at)
{
    flow('f', id, where, at);
    m_out << ", \"bp\": \"e\"}"; // binds to the slice around it, not to the next one
}

void JsonEvents::string(std::string_view text)
{
    m_out << '"';
    escaped(text);
    m_out << '"';
}

void JsonEvents::escaped(std::string_view text)
{
    std::string scratch;
    text = report::validUtf8(text, scratch);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        m_out << text.substr(begin, i - begin) << '\\';
        begin = i + 1;
        switch (byte) {
        case '"':
        case '\\': m_out << text[i]; break;
        case '\n': m_out << 'n'; break;
        case '\r': m_out << 'r'; break;
        case '\t': m_out << 't'; break;
        default: m_out << "u00" << static_cast<char>('0' + byte / 16) << "0123456789abcdef"[byte % 16]; break;
        }
    }
    m_out << text.substr(begin);
}

} // namespace gantry::exporting
