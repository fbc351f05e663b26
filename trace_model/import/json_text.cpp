#include "trace_model/import/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace gantry::importing::json {
namespace {

constexpr bool mayFollowComma(char c)
{
    return c == '"' || c == '{' || c == '[' || c == '-' || isDigit(c) || c == 't' || c == 'f' || c == 'n';
}

void appendUtf8(std::string& text, std::uint32_t code)
{
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | (code >> 6));
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | (code >> 12));
        text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | (code >> 18));
        text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    }
}

/// The four hexadecimal digits at `at`.
std::optional<std::uint32_t> hexOf(std::string_view text, std::size_t at)
{
    std::uint32_t value = 0;
    if (at + 4 > text.size() || std::from_chars(text.data() + at, text.data() + at + 4, value, 16).ptr != text.data() + at + 4)
        return std::nullopt;
    return value;
}

constexpr bool isHighSurrogate(std::uint32_t code)
{
    return code >= 0xD800 && code < 0xDC00;
}
constexpr bool isLowSurrogate(std::uint32_t code)
{
    return code >= 0xDC00 && code < 0xE000;
}

} // namespace

const char* findLooseStringEnd(const char* p, const char* end, bool isKey, bool& hasEscapes)
{
    for (;; ++p) {
        p = findQuoteOrBackslash(p);
        if (p >= end)
            return nullptr;
        if (*p == '\\') {
            hasEscapes = true;
            ++p;
            continue;
        }
        const char* next = skipSpace(p + 1, end);
        if (next >= end)
            return nullptr;
        if (isKey) {
            if (*next == ':')
                return p;
            continue;
        }
        if (*next == '}' || *next == ']')
            return p;
        if (*next == ',') {
            next = skipSpace(next + 1, end);
            if (next >= end)
                return nullptr;
            if (mayFollowComma(*next))
                return p;
        }
    }
}

const char* skipContainer(const char* p, const char* end, ContainerScan& scan)
{
    const char* escaped = scan.afterBackslash ? p : nullptr; // the byte that a backslash stands before
    const auto take = [&](const char* at) {
        if (at == escaped)
            return false;
        if (*at == '\\') {
            if (scan.inString)
                escaped = at + 1;
        } else if (*at == '"') {
            scan.inString = !scan.inString;
        } else if (!scan.inString) {
            if (*at == '[' || *at == '{')
                ++scan.depth;
            else
                return --scan.depth == 0;
        }
        return false;
    };
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), lowerBit = _mm_set1_epi8(0x20);
    const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}'); // with bit 0x20 set '[' and ']' look like these
    for (; p < end; p += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i lowered = _mm_or_si128(bytes, lowerBit);
        const __m128i text = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        const __m128i brackets = _mm_or_si128(_mm_cmpeq_epi8(lowered, open), _mm_cmpeq_epi8(lowered, close));
        unsigned found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(text, brackets)));
        for (; found != 0; found &= found - 1) {
            const char* at = p + std::countr_zero(found);
            if (at >= end)
                break;
            if (take(at))
                return at + 1;
        }
    }
#else
    for (; p < end; ++p)
        if ((*p == '"' || *p == '\\' || *p == '[' || *p == ']' || *p == '{' || *p == '}') && take(p))
            return p + 1;
#endif
    scan.afterBackslash = escaped == end;
    return nullptr;
}

const char* readNumber(const char* p, const char* end, Decimal& number)
{
    const char* const begin = p;
    number = {};
    if (p < end && (*p == '-' || *p == '+'))
        number.isNegative = *p++ == '-';
    bool hasDigits = false;
    bool hasPoint = false;
    for (; p < end; ++p) {
        if (*p == '.' && !hasPoint) {
            hasPoint = true;
            continue;
        }
        if (!isDigit(*p))
            break;
        hasDigits = true;
        // 19 digits always fit; what comes after is too small to matter, but moves the point.
        if (number.digits < std::uint64_t{1'000'000'000'000'000'000}) {
            number.digits = number.digits * 10 + static_cast<std::uint64_t>(*p - '0');
            number.exponent -= hasPoint ? 1 : 0;
        } else if (!hasPoint && number.exponent < 100'000) {
            ++number.exponent;
        }
    }
    if (!hasDigits)
        return begin;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char* q = p + 1;
        const bool isNegative = q < end && *q == '-';
        q += q < end && (*q == '-' || *q == '+') ? 1 : 0;
        std::int32_t exponent = 0;
        const char* const digits = q;
        for (; q < end && isDigit(*q); ++q)
            exponent = std::min(exponent * 10 + (*q - '0'), 100'000);
        if (q > digits) {
            number.exponent += isNegative ? -exponent : exponent;
            p = q;
        }
    }
    return p;
}

std::optional<std::int64_t> toInteger(const Decimal& number, int shift)
{
    std::uint64_t value = number.digits;
    std::int64_t exponent = std::int64_t{number.exponent} + shift;
    for (; exponent > 0 && value != 0; --exponent) {
        if (value > std::numeric_limits<std::uint64_t>::max() / 10)
            return std::nullopt;
        value *= 10;
    }
    if (exponent < -20)
        value = 0;
    for (; exponent < 0 && value != 0; ++exponent) {
        // Only the last digit that is cut off decides; what was cut off before is smaller than half.
        value = exponent == -1 ? value / 10 + (value % 10 >= 5 ? 1 : 0) : value / 10;
    }
    constexpr std::uint64_t kSmallest = std::uint64_t{1} << 63; // without its sign
    if (number.isNegative && value == kSmallest)
        return std::numeric_limits<std::int64_t>::min();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    const auto magnitude = static_cast<std::int64_t>(value);
    return number.isNegative ? -magnitude : magnitude;
}

std::optional<std::int64_t> integerOf(std::string_view text, int shift)
{
    Decimal number;
    const char* const end = text.data() + text.size();
    if (text.empty() || readNumber(text.data(), end, number) != end)
        return std::nullopt;
    return toInteger(number, shift);
}

std::optional<double> doubleOf(std::string_view text)
{
    double value = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || rest != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::string unescaped(std::string_view content)
{
    std::string text;
    text.reserve(content.size());
    for (std::size_t i = 0; i < content.size(); ++i) {
        if (content[i] != '\\' || i + 1 == content.size()) {
            text += content[i];
            continue;
        }
        const char escape = content[++i];
        constexpr std::string_view kEscapes = "bfnrt", kMeanings = "\b\f\n\r\t";
        if (const std::size_t known = kEscapes.find(escape); known != std::string_view::npos) {
            text += kMeanings[known];
        } else if (escape == 'u') {
            auto code = hexOf(content, i + 1);
            if (!code) {
                text += "\\u";
                continue;
            }
            i += 4;
            if (isHighSurrogate(*code) && content.substr(i + 1, 2) == "\\u") {
                if (const auto low = hexOf(content, i + 3); low && isLowSurrogate(*low)) {
                    code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
                    i += 6;
                }
            }
            appendUtf8(text, *code >= 0xD800 && *code < 0xE000 ? 0xFFFD : *code);
        } else {
            text += escape;
        }
    }
    return text;
}

void forEachMember(std::string_view container, const std::function<void(const Member&)>& visit)
{
    if (container.size() < 2)
        return;
    // A copy with padding: these are small, and the scans need it.
    std::string copy(container);
    copy.append(kPadding, kPaddingByte);
    const char* p = copy.data() + 1;
    const char* const end = copy.data() + container.size();
    const bool isObject = copy.front() == '{';
    const auto textOf = [](const char* from, const char* to) { return std::string_view(from, static_cast<std::size_t>(to - from)); };
    while (true) {
        while (p < end && (isSpace(*p) || *p == ','))
            ++p;
        if (p >= end || *p == '}' || *p == ']')
            return;
        Member member;
        bool hasEscapes = false;
        if (isObject) {
            if (*p != '"')
                return;
            const char* const keyEnd = findStringEnd(p + 1, end, hasEscapes);
            if (!keyEnd)
                return;
            member.key = textOf(p + 1, keyEnd);
            p = skipSpace(keyEnd + 1, end);
            if (p >= end || *p != ':')
                return;
            p = skipSpace(p + 1, end);
            if (p >= end)
                return;
        }
        const char* const begin = p;
        if (*p == '"') {
            const char* const valueEnd = findStringEnd(p + 1, end, hasEscapes);
            if (!valueEnd)
                return;
            member.kind = Member::Kind::String;
            member.value = textOf(begin + 1, valueEnd);
            p = valueEnd + 1;
        } else if (*p == '{' || *p == '[') {
            p = skipContainer(p + 1, end);
            if (!p)
                return;
            member.kind = Member::Kind::Container;
            member.value = textOf(begin, p);
        } else {
            while (p < end && !isSpace(*p) && *p != ',' && *p != '}' && *p != ']')
                ++p;
            if (p == begin)
                return;
            member.value = textOf(begin, p);
        }
        visit(member);
    }
}

} // namespace gantry::importing::json
