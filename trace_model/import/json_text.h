#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Scans of JSON text, tolerant of what programs write that is not quite JSON. They take a position and the end of the text; behind
/// the end there must be kPadding quotes, so that searches need not look at the end at every byte. nullptr says: ran past the end.
namespace gantry::importing::json {

inline constexpr std::size_t kPadding = 64;
inline constexpr char kPaddingByte = '"';

[[nodiscard]] constexpr bool isSpace(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
[[nodiscard]] constexpr bool isDigit(char c)
{
    return static_cast<unsigned char>(c - '0') < 10;
}

/// May return `end`.
[[nodiscard]] inline const char* skipSpace(const char* p, const char* end)
{
    while (p < end && isSpace(*p))
        ++p;
    return p;
}

/// The first quote or backslash at or after p, perhaps in the padding.
[[nodiscard]] inline const char* findQuoteOrBackslash(const char* p)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (;; p += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const int found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        if (found != 0)
            return p + std::countr_zero(static_cast<unsigned>(found));
    }
#else
    while (*p != '"' && *p != '\\')
        ++p;
    return p;
#endif
}

/// The quote that closes the string whose content begins at p. Sets hasEscapes when there is a backslash in it.
[[nodiscard]] inline const char* findStringEnd(const char* p, const char* end, bool& hasEscapes)
{
    while (true) {
        p = findQuoteOrBackslash(p);
        if (p >= end)
            return nullptr;
        if (*p == '"')
            return p;
        hasEscapes = true;
        p += 2;
    }
}

/// The same for writers that do not escape quotes: the closing quote is the first that stands before what may follow a string.
[[nodiscard]] const char* findLooseStringEnd(const char* p, const char* end, bool isKey, bool& hasEscapes);

/// Where a scan of an object or array stands, so that it can go on in the next block.
struct ContainerScan
{
    std::uint64_t depth = 1; ///< brackets open; 0: closed
    bool inString = false;
    bool afterBackslash = false;
};

/// Skips to behind the bracket that closes the container whose content begins at p; nullptr when the text ends before. Kinds of
/// brackets are not told apart.
[[nodiscard]] const char* skipContainer(const char* p, const char* end, ContainerScan& scan);
[[nodiscard]] inline const char* skipContainer(const char* p, const char* end)
{
    ContainerScan scan;
    return skipContainer(p, end, scan);
}

/// A number as it is written: digits × 10^exponent.
struct Decimal
{
    bool isNegative = false;
    std::uint64_t digits = 0;
    std::int32_t exponent = 0;
};

/// Reads a number; p stays where it is when there is none.
[[nodiscard]] const char* readNumber(const char* p, const char* end, Decimal& number);
/// number × 10^shift, rounded half away from 0; absent when it does not fit.
[[nodiscard]] std::optional<std::int64_t> toInteger(const Decimal& number, int shift);
/// The whole of `text` as a number with perhaps a fraction, times 10^shift.
[[nodiscard]] std::optional<std::int64_t> integerOf(std::string_view text, int shift = 0);
/// The whole of `text` as a finite number.
[[nodiscard]] std::optional<double> doubleOf(std::string_view text);

/// The content of a string with its escapes resolved. Half surrogates become U+FFFD.
[[nodiscard]] std::string unescaped(std::string_view content);

/// A member of an object. `value` is its text: of a string what is between the quotes.
struct Member
{
    std::string_view key, value;
    enum class Kind
    {
        String,
        Container,
        Other
    } kind = Kind::Other;
};

/// Calls `visit` for the members of an object, or of an array (with empty keys), in order, as far as the text can be read. The text
/// begins with the bracket. Needs no padding.
void forEachMember(std::string_view container, const std::function<void(const Member&)>& visit);

} // namespace gantry::importing::json
