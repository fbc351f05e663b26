#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gantry::report {

/// Writes a number in SQLite's variable length: seven bits a byte, the most significant first, a ninth byte whole. At most
/// kMostVarintBytes. Returns how many.
inline constexpr std::size_t kMostVarintBytes = 9;

inline std::size_t putVarint(std::uint8_t* to, std::uint64_t value)
{
    if (value < 0x80) {
        to[0] = static_cast<std::uint8_t>(value);
        return 1;
    }
    if (value < 0x4000) {
        to[0] = static_cast<std::uint8_t>(value >> 7 | 0x80);
        to[1] = static_cast<std::uint8_t>(value & 0x7F);
        return 2;
    }
    const bool isWhole = value >> 56 != 0;
    const std::size_t bytes = isWhole ? kMostVarintBytes : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
    std::size_t i = bytes;
    if (isWhole) {
        to[--i] = static_cast<std::uint8_t>(value);
        value >>= 8;
    }
    for (std::uint8_t more = isWhole ? 0x80 : 0; i-- > 0; value >>= 7, more = 0x80)
        to[i] = static_cast<std::uint8_t>((value & 0x7F) | more);
    return bytes;
}

/// How many bytes putVarint() writes.
inline std::size_t varintBytes(std::uint64_t value)
{
    return value < 0x80 ? 1 : value >> 56 != 0 ? kMostVarintBytes : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

/// Where the values of a row go among its columns: those between them are NULL.
struct RowLayout
{
    static constexpr std::size_t kMostColumns = 64;

    std::array<std::uint8_t, kMostColumns + 1> nullsBefore{}; ///< each value, and behind the last
    std::size_t nulls = 0;                                    ///< all of them
};

/// One row in SQLite's record format: a header of the columns' types, then their values. Values are integers, enumerations, reals,
/// texts, nullptr and optional ones of these. A column of integers takes about a nanosecond, which is why they are encoded together.
/// Format: sqlite.org/fileformat2.html, section 2.1. One thread.
class RowEncoder
{
public:
    /// A real is of a column declared REAL: a whole number is stored as an integer there, as the library does it, and is read back as a
    /// real. NaN is NULL, as there.
    template <typename... Values>
    void encode(const RowLayout& layout, const Values&... values)
    {
        static_assert(sizeof...(Values) <= RowLayout::kMostColumns);
        const std::size_t typeBytes = (layout.nulls + ... + typeBytesOf(values));
        const std::size_t headerBytes = typeBytes + (typeBytes + 1 < 0x80 ? 1 : 2); // its own length is part of it
        const std::size_t most = headerBytes + (std::size_t{0} + ... + mostBytesOf(values)) + kZeroedAtOnce;
        if (most > m_bytes.size())
            m_bytes.resize(2 * most);
        std::uint8_t* const begin = m_bytes.data();
        std::memset(begin, 0, kZeroedAtOnce); // the type of NULL
        if (headerBytes > kZeroedAtOnce)
            std::memset(begin + kZeroedAtOnce, 0, headerBytes - kZeroedAtOnce);
        // Kept out of the object: what is written through pointers to bytes may be any member.
        Place at{begin + putVarint(begin, headerBytes), begin + headerBytes};
        const std::uint8_t* nulls = layout.nullsBefore.data();
        ((at.type += *nulls++, put(at, values)), ...);
        m_size = static_cast<std::size_t>(at.value - begin);
    }
    template <typename... Values>
    void encode(const Values&... values)
    {
        encode(RowLayout{}, values...);
    }

    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {m_bytes.data(), m_size}; }

private:
    /// Where the next type and the next value go. Stays in registers when all that moves it is inlined, which makes rows twice as
    /// fast (report_writer_bench).
    struct Place
    {
        std::uint8_t* type;
        std::uint8_t* value;
    };
    struct Width
    {
        std::uint8_t type, bytes;
    };
    static constexpr std::uint8_t kRealType = 7, kZeroType = 8, kOneType = 9, kFirstTextType = 13;
    static constexpr std::size_t kZeroedAtOnce = 64;

    /// By the bits of the magnitude, behind those the same of negative numbers: the smallest width that holds it and the sign.
    static constexpr std::array<Width, 128> kWidths = [] {
        std::array<Width, 128> widths{};
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::size_t bits = i % 64;
            widths[i] = bits < 8    ? Width{1, 1}
                        : bits < 16 ? Width{2, 2}
                        : bits < 24 ? Width{3, 3}
                        : bits < 32 ? Width{4, 4}
                        : bits < 48 ? Width{5, 6}
                                    : Width{6, 8};
        }
        widths[0] = {kZeroType, 0};
        widths[1] = {kOneType, 0};
        return widths;
    }();

    template <typename Value>
    static constexpr bool kIsText = std::is_convertible_v<const Value&, std::string_view> && !std::is_null_pointer_v<Value>;

    template <typename Value>
    static std::size_t typeBytesOf(const Value& value)
    {
        if constexpr (kIsText<Value>)
            return varintBytes(kFirstTextType + 2 * std::uint64_t{std::string_view(value).size()});
        else
            return 1;
    }
    template <typename Value>
    static std::size_t typeBytesOf(const std::optional<Value>& value)
    {
        return value ? typeBytesOf(*value) : 1;
    }

    /// A number is written as eight bytes, those too many are overwritten by the next.
    template <typename Value>
    static std::size_t mostBytesOf(const Value& value)
    {
        if constexpr (kIsText<Value>)
            return std::string_view(value).size();
        else
            return 8;
    }
    template <typename Value>
    static std::size_t mostBytesOf(const std::optional<Value>& value)
    {
        return value ? mostBytesOf(*value) : 0;
    }

    [[gnu::always_inline]] static void putBytes(Place& at, std::uint64_t leftAligned, Width width)
    {
        const std::uint64_t bigEndian = __builtin_bswap64(leftAligned);
        std::memcpy(at.value, &bigEndian, sizeof bigEndian);
        at.value += width.bytes;
        *at.type++ = width.type;
    }

    [[gnu::always_inline]] static void putInteger(Place& at, std::int64_t value)
    {
        const std::uint64_t sign = static_cast<std::uint64_t>(value >> 63);
        const std::uint64_t magnitude = static_cast<std::uint64_t>(value) ^ sign; // of a negative one: its complement
        const auto bits = static_cast<std::size_t>(63 - std::countl_zero(magnitude << 1 | 1));
        const Width width = kWidths[bits + (sign & 64)];
        putBytes(at, static_cast<std::uint64_t>(value) << ((64 - 8 * width.bytes) & 63), width);
    }

    static void putReal(Place& at, double value)
    {
        constexpr double kLimit = 140'737'488'355'328.0; // 2^47: beyond it an integer saves nothing
        if (std::isnan(value))
            ++at.type;
        else if (value > -kLimit && value < kLimit && value == static_cast<double>(static_cast<std::int64_t>(value)) &&
                 !(value == 0 && std::signbit(value)))
            putInteger(at, static_cast<std::int64_t>(value));
        else
            putBytes(at, std::bit_cast<std::uint64_t>(value), {kRealType, 8});
    }

    static void putText(Place& at, std::string_view value)
    {
        at.type += putVarint(at.type, kFirstTextType + 2 * std::uint64_t{value.size()});
        if (!value.empty())
            std::memcpy(at.value, value.data(), value.size());
        at.value += value.size();
    }

    template <typename Value>
    [[gnu::always_inline]] static void put(Place& at, const Value& value)
    {
        if constexpr (std::is_null_pointer_v<Value>)
            ++at.type;
        else if constexpr (std::is_floating_point_v<Value>)
            putReal(at, static_cast<double>(value));
        else if constexpr (kIsText<Value>)
            putText(at, value);
        else
            putInteger(at, static_cast<std::int64_t>(value));
    }
    template <typename Value>
    [[gnu::always_inline]] static void put(Place& at, const std::optional<Value>& value)
    {
        if (value)
            put(at, *value);
        else
            ++at.type;
    }

    std::vector<std::uint8_t> m_bytes;
    std::size_t m_size = 0;
};

} // namespace gantry::report
