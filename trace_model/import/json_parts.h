#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::importing {

/// One member of an object or one element of an array, as text.
struct JsonPart
{
    std::string_view key;  ///< as written, escapes and all; empty in an array
    std::string_view text; ///< of the value, without blanks around it
    bool isWhole = true;   ///< false: the text ends inside the value

    [[nodiscard]] bool isObject() const { return text.starts_with('{'); }
    [[nodiscard]] bool isArray() const { return text.starts_with('['); }
    /// The value when it is that; numbers in quotes count as numbers, a fraction is cut off.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    [[nodiscard]] std::optional<double> number() const; ///< finite
    [[nodiscard]] std::optional<std::string> string() const;
};

/// Walks the members of an object, or the elements of an array, of JSON text without reading what is in them. A file that was
/// cut off, or is invalid in places, can be read piece by piece this way: what is no part is passed over. Never recursive; each
/// call advances; all calls together look at each byte once.
class JsonParts
{
public:
    /// `container` begins with { or [ (else there are no parts); what follows its end is not looked at.
    explicit JsonParts(std::string_view container);

    [[nodiscard]] std::optional<JsonPart> next();
    /// As next(), but a value that is a container is handed out before its end is looked for: `text` reaches to the end of all
    /// text. Who walks it says with skip() how far that went, so that a large value can be left at any time.
    [[nodiscard]] std::optional<JsonPart> nextUnscanned();
    /// The last value of nextUnscanned() is this long.
    void skip(std::size_t length);
    /// Whether the closing bracket was met (after next() gave nothing).
    [[nodiscard]] bool isClosed() const { return m_isClosed; }
    /// Whether something was passed over that is no JSON.
    [[nodiscard]] bool sawJunk() const { return m_sawJunk; }
    /// Where the walk is, from the begin of the container.
    [[nodiscard]] std::size_t position() const { return m_at; }

private:
    /// To the begin of the next value, with its key in `part`; false: there is none.
    bool findValue(JsonPart& part);
    JsonPart scanned(JsonPart part);

    std::string_view m_text;
    std::size_t m_at = 0;
    bool m_isUnscanned = false; ///< the value at m_at was handed out and its length is not known
    bool m_isObject = false;
    bool m_isClosed = false;
    bool m_sawJunk = false;
};

/// Length of the JSON value at the begin of `text`; nothing when it does not end there. A value that is no container and no
/// string reaches to the next blank, comma, colon or bracket.
[[nodiscard]] std::optional<std::size_t> jsonValueLength(std::string_view text);

/// The member of an object, at its top level.
[[nodiscard]] std::optional<JsonPart> jsonMember(std::string_view object, std::string_view key);

} // namespace gantry::importing
