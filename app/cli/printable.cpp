#include "app/cli/printable.h"

#include "trace_model/report/utf8.h"

#include <fmt/format.h>

namespace gantry::cli {
namespace {

/// How many bytes there are control characters or marks of direction; 0: none. `text` is UTF-8.
std::size_t controlLength(std::string_view text)
{
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    if (byte(0) < 0x20 || byte(0) == 0x7F)
        return 1;
    if (byte(0) == 0xC2 && byte(1) < 0xA0) // U+0080 to U+009F: C1
        return 2;
    const bool turnsDirection = byte(0) == 0xE2 && ((byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE)      // U+202A to U+202E
                                                    || (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9)); // U+2066 to U+2069
    return turnsDirection ? 3 : 0;
}

std::string escaped(std::string_view control)
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(control[at])); };
    switch (control.size()) {
    case 1:
        break;
    case 2:
        return fmt::format("\\x{:02x}", byte(1));
    default:
        return fmt::format("\\u{:04x}", (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU));
    }
    switch (control.front()) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return fmt::format("\\x{:02x}", byte(0));
    }
}

} // namespace

std::string printable(std::string_view text)
{
    std::string scratch;
    text = report::validUtf8(text, scratch);
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = controlLength(text.substr(at));
        if (length > 0)
            result += escaped(text.substr(at, length));
        else
            result += text[at];
        at += length > 0 ? length : 1;
    }
    return result;
}

} // namespace gantry::cli
