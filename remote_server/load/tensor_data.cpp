#include "remote_server/load/tensor_data.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace gantry::load {
namespace {

constexpr std::uint64_t kMadeUpBelow = 1000;

enum class Kind
{
    Bool,
    Signed,
    Unsigned,
    Half,
    Brain,
    Float,
    Double,
    Bytes
};

struct Type
{
    std::string_view name;
    Kind kind;
    std::size_t size;
};

// KServe v2, "Tensor Data Types", and Triton's BF16.
constexpr Type kTypes[] = {
    {"BOOL", Kind::Bool, 1},       {"UINT8", Kind::Unsigned, 1}, {"UINT16", Kind::Unsigned, 2}, {"UINT32", Kind::Unsigned, 4},
    {"UINT64", Kind::Unsigned, 8}, {"INT8", Kind::Signed, 1},    {"INT16", Kind::Signed, 2},    {"INT32", Kind::Signed, 4},
    {"INT64", Kind::Signed, 8},    {"FP16", Kind::Half, 2},      {"BF16", Kind::Brain, 2},      {"FP32", Kind::Float, 4},
    {"FP64", Kind::Double, 8},     {"BYTES", Kind::Bytes, 0},
};

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

Result<Type> typeOf(std::string_view datatype)
{
    for (const Type& type : kTypes)
        if (type.name == datatype)
            return type;
    return badInput(fmt::format("the load cannot make inputs of type {}: the protocol has no such type", datatype));
}

/// The low `size` bytes: the protocol is little endian, as every machine this runs on.
void appendInteger(std::string& raw, std::uint64_t value, std::size_t size)
{
    static_assert(std::endian::native == std::endian::little);
    raw.append(reinterpret_cast<const char*>(&value), size);
}

/// IEEE 754 binary16 of a number, to the nearest, ties to even.
std::uint16_t halfOf(double value)
{
    const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    if (std::isnan(value))
        return 0x7e00;
    const double magnitude = std::abs(value);
    if (magnitude >= 65520) // halfway between the largest half and the next power of two
        return static_cast<std::uint16_t>(sign | 0x7c00);
    int exponent = 0;
    std::frexp(magnitude, &exponent);
    const int scale = std::max(exponent - 11, -24); // 11 significant bits; below 2^-14 they get fewer
    const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -scale)));
    if (magnitude == 0 || scale == -24)
        return static_cast<std::uint16_t>(sign | steps); // 1,024 steps run over into the smallest exponent by themselves
    return static_cast<std::uint16_t>(sign | ((static_cast<std::uint32_t>(scale + 24) << 10) + steps));
}

std::uint16_t brainOf(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value))
        return 0x7fc0;
    return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16); // to the nearest, ties to even
}

void appendFraction(std::string& raw, Kind kind, double value)
{
    if (kind == Kind::Half)
        return appendInteger(raw, halfOf(value), 2);
    if (kind == Kind::Brain)
        return appendInteger(raw, brainOf(static_cast<float>(value)), 2);
    if (kind == Kind::Float)
        return appendInteger(raw, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
    appendInteger(raw, std::bit_cast<std::uint64_t>(value), 8);
}

void appendText(std::string& raw, std::string_view text)
{
    appendInteger(raw, text.size(), 4);
    raw += text;
}

bool isFraction(Kind kind)
{
    return kind == Kind::Half || kind == Kind::Brain || kind == Kind::Float || kind == Kind::Double;
}

std::uint64_t largestOf(const Type& type)
{
    const std::size_t bits = type.size * 8 - (type.kind == Kind::Signed ? 1 : 0);
    return bits == 64 ? std::numeric_limits<std::uint64_t>::max() : (std::uint64_t{1} << bits) - 1;
}

/// Those that are made up for a type.
Result<IntegerRange> rangeOf(const Type& type, const MadeUp& how)
{
    const std::uint64_t largest = largestOf(type);
    if (!how.range)
        return IntegerRange{0, how.isZero ? 0 : static_cast<std::int64_t>(std::min(largest, kMadeUpBelow - 1))};
    const IntegerRange range = *how.range;
    const std::int64_t least = type.kind == Kind::Unsigned ? 0 : -1 - static_cast<std::int64_t>(largest);
    if (range.low > range.high || range.low < least || (range.high > 0 && static_cast<std::uint64_t>(range.high) > largest))
        return badInput(fmt::format("type {} does not hold all numbers from {} to {}", type.name, range.low, range.high));
    return range;
}

std::uint64_t madeUpInteger(const IntegerRange& range, std::mt19937_64& random)
{
    const std::uint64_t count = static_cast<std::uint64_t>(range.high) - static_cast<std::uint64_t>(range.low) + 1; // 0: all there are
    return static_cast<std::uint64_t>(range.low) + (count == 0 ? random() : random() % count);
}

/// False: the type cannot hold the value.
bool appendInteger(std::string& raw, const Type& type, const nlohmann::json& value)
{
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        if (number > largestOf(type))
            return false;
        appendInteger(raw, number, type.size);
        return true;
    }
    if (!value.is_number_integer() || type.kind == Kind::Unsigned)
        return false;
    const auto number = value.get<std::int64_t>();
    if (number < -static_cast<std::int64_t>(largestOf(type)) - 1)
        return false;
    appendInteger(raw, static_cast<std::uint64_t>(number), type.size);
    return true;
}

bool appendValue(std::string& raw, const Type& type, const nlohmann::json& value)
{
    if (type.kind == Kind::Bytes) {
        if (!value.is_string())
            return false;
        appendText(raw, value.get_ref<const std::string&>());
        return true;
    }
    if (type.kind == Kind::Bool) {
        const bool isBit = value.is_number_integer() && (value == 0 || value == 1); // perf_analyzer's files have both
        if (!value.is_boolean() && !isBit)
            return false;
        appendInteger(raw, value.is_boolean() ? value.get<bool>() : value == 1, 1);
        return true;
    }
    if (!isFraction(type.kind))
        return appendInteger(raw, type, value);
    if (!value.is_number())
        return false;
    appendFraction(raw, type.kind, value.get<double>());
    return true;
}

Result<void> appendAll(std::string& raw, const Type& type, const nlohmann::json& values)
{
    for (const nlohmann::json& value : values) {
        if (value.is_array())
            GANTRY_CHECK(appendAll(raw, type, value));
        else if (!appendValue(raw, type, value))
            return badInput(
                fmt::format("{} is no value of type {}", value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), type.name));
    }
    return {};
}

} // namespace

Result<std::size_t> elementSize(std::string_view datatype)
{
    GANTRY_TRY(const Type type, typeOf(datatype));
    return type.size;
}

Result<std::string> makeUpTensor(std::string_view datatype, std::size_t elements, const MadeUp& how, std::mt19937_64& random)
{
    GANTRY_TRY(const Type type, typeOf(datatype));
    std::string raw;
    raw.reserve(elements * std::max<std::size_t>(type.size, 4));
    const bool isInteger = type.kind == Kind::Signed || type.kind == Kind::Unsigned;
    IntegerRange range;
    if (isInteger) {
        GANTRY_TRY(range, rangeOf(type, how));
    }
    for (std::size_t i = 0; i < elements; ++i) {
        if (isInteger) {
            appendInteger(raw, madeUpInteger(range, random), type.size);
            continue;
        }
        const std::uint64_t value = how.isZero ? 0 : random() % kMadeUpBelow;
        if (type.kind == Kind::Bytes) {
            std::string text(how.isZero ? 0 : how.stringLength, 'a');
            for (char& letter : text)
                letter = static_cast<char>('a' + random() % 26);
            appendText(raw, text);
        } else if (type.kind == Kind::Bool) {
            appendInteger(raw, value % 2, 1);
        } else {
            appendFraction(raw, type.kind, static_cast<double>(value) / kMadeUpBelow);
        }
    }
    return raw;
}

Result<std::string> tensorOfJson(std::string_view datatype, const nlohmann::json& values)
{
    GANTRY_TRY(const Type type, typeOf(datatype));
    std::string raw;
    if (values.is_array()) {
        GANTRY_CHECK(appendAll(raw, type, values));
    } else {
        GANTRY_CHECK(appendAll(raw, type, nlohmann::json::array({values})));
    }
    return raw;
}

Result<std::size_t> elementCount(std::string_view datatype, std::string_view raw)
{
    GANTRY_TRY(const Type type, typeOf(datatype));
    if (type.kind != Kind::Bytes) {
        if (raw.size() % type.size != 0)
            return badInput(fmt::format("{} bytes are no whole number of {} elements", raw.size(), datatype));
        return raw.size() / type.size;
    }
    std::size_t count = 0;
    for (std::size_t at = 0; at < raw.size(); ++count) {
        std::uint32_t length = 0;
        if (raw.size() - at < sizeof length)
            return badInput("the last BYTES element has no whole length before it");
        std::memcpy(&length, raw.data() + at, sizeof length);
        at += sizeof length;
        if (raw.size() - at < length)
            return badInput(fmt::format("a BYTES element claims {} bytes, and {} are left", length, raw.size() - at));
        at += length;
    }
    return count;
}

Result<std::string> decodeBase64(std::string_view text)
{
    static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    for (const char c : text) {
        const std::size_t value = kLetters.find(c);
        if (value == std::string_view::npos)
            return badInput(fmt::format("'{}' is no letter of base64", c));
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<char>(bits >> count));
        }
    }
    if (count >= 6)
        return badInput("the base64 text is cut off");
    return bytes;
}

} // namespace gantry::load
