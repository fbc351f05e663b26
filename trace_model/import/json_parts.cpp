#include "trace_model/import/json_parts.h"

#include "trace_model/report/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gantry::importing {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Behind the closing quote of the string at the begin of `text`; nothing when it has none.
std::optional<std::size_t> stringLength(std::string_view text)
{
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return at + 1;
    }
    return std::nullopt;
}

std::optional<std::size_t> containerLength(std::string_view text)
{
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        switch (text[at]) {
        case '"':
            if (const auto length = stringLength(text.substr(at)))
                at += *length - 1;
            else
                return std::nullopt;
            break;
        case '{':
        case '[': ++depth; break;
        case '}':
        case ']':
            if (--depth == 0)
                return at + 1;
            break;
        default: break;
        }
    }
    return std::nullopt;
}

std::string_view unquoted(std::string_view text)
{
    return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

} // namespace

std::optional<std::int64_t> JsonPart::integer() const
{
    const std::string_view digits = unquoted(text);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!isWhole || error != std::errc())
        return std::nullopt;
    if (end == digits.data() + digits.size())
        return value;
    const auto real = number();
    if (!real || std::abs(*real) >= 9.2e18)
        return std::nullopt;
    return *end == '.' && digits.find_first_of("eE") == std::string_view::npos ? value : static_cast<std::int64_t>(*real);
}

std::optional<double> JsonPart::number() const
{
    const std::string_view digits = unquoted(text);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!isWhole || error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<std::string> JsonPart::string() const
{
    if (!isWhole || text.size() < 2 || text.front() != '"')
        return std::nullopt;
    if (text.find('\\') == std::string_view::npos)
        return std::string(unquoted(text));
    std::string scratch;
    const auto value = nlohmann::json::parse(report::validUtf8(text, scratch), nullptr, false);
    return value.is_string() ? value.get<std::string>() : std::string(unquoted(text));
}

JsonParts::JsonParts(std::string_view container) : m_text(container)
{
    m_isObject = container.starts_with('{');
    m_at = m_isObject || container.starts_with('[') ? 1 : container.size();
}

bool JsonParts::findValue(JsonPart& part)
{
    if (m_isUnscanned)
        skip(jsonValueLength(m_text.substr(m_at)).value_or(m_text.size()));
    while (!m_isClosed) {
        m_at = std::min(m_text.find_first_not_of(" \t\r\n,", m_at), m_text.size());
        if (m_at == m_text.size())
            return false;
        if (m_text[m_at] == (m_isObject ? '}' : ']')) {
            ++m_at;
            m_isClosed = true;
            return false;
        }
        if (m_isObject) {
            const auto length = m_text[m_at] == '"' ? stringLength(m_text.substr(m_at)) : std::nullopt;
            const std::size_t colon = length ? m_text.find_first_not_of(kBlanks, m_at + *length) : std::string_view::npos;
            if (m_text[m_at] == '"' && colon == std::string_view::npos) { // cut off in or behind the key
                m_at = m_text.size();
                return false;
            }
            if (colon == std::string_view::npos || m_text[colon] != ':') {
                m_sawJunk = true;
                m_at += length.value_or(1);
                continue;
            }
            part.key = m_text.substr(m_at + 1, *length - 2);
            m_at = std::min(m_text.find_first_not_of(kBlanks, colon + 1), m_text.size());
            if (m_at == m_text.size())
                return false;
        }
        if (jsonValueLength(m_text.substr(m_at, 1)) != std::size_t{0})
            return true;
        m_sawJunk = true;
        m_at += !m_isObject || m_text[m_at] != '}';
    }
    return false;
}

std::optional<JsonPart> JsonParts::next()
{
    JsonPart part;
    return findValue(part) ? std::optional(scanned(part)) : std::nullopt;
}

JsonPart JsonParts::scanned(JsonPart part)
{
    const auto length = jsonValueLength(m_text.substr(m_at));
    part.text = m_text.substr(m_at, length.value_or(m_text.size() - m_at));
    part.isWhole = length.has_value();
    m_at += part.text.size();
    return part;
}

std::optional<JsonPart> JsonParts::nextUnscanned()
{
    JsonPart part;
    if (!findValue(part))
        return std::nullopt;
    if (m_text[m_at] != '{' && m_text[m_at] != '[')
        return scanned(part);
    part.text = m_text.substr(m_at);
    m_isUnscanned = true;
    return part;
}

void JsonParts::skip(std::size_t length)
{
    m_at = std::min(m_text.size(), m_at + length);
    m_isUnscanned = false;
}

std::optional<std::size_t> jsonValueLength(std::string_view text)
{
    if (text.empty())
        return std::nullopt;
    if (text.front() == '"')
        return stringLength(text);
    if (text.front() == '{' || text.front() == '[')
        return containerLength(text);
    const std::size_t end = text.find_first_of(" \t\r\n,:{}[]\"");
    return end == std::string_view::npos ? std::nullopt : std::optional(end);
}

std::optional<JsonPart> jsonMember(std::string_view object, std::string_view key)
{
    JsonParts parts(object);
    while (auto part = parts.next())
        if (part->key == key)
            return part;
    return std::nullopt;
}

} // namespace gantry::importing
