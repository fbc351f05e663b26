#include "remote_server/node/payload_schemas.h"

#include "trace_model/records/event_records.h"
#include "trace_model/report/utf8.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace gantry::node {
namespace {

using records::ExtendedPayloadHeader;
using records::PayloadSchemaEntry;
using records::PayloadSchemaHeader;

// nvToolsExtPayload.h, NVTX_PAYLOAD_ENTRY_FLAG_*
constexpr std::uint64_t kPointer = 1 << 1, kOffsetFromBase = 1 << 2, kOffsetFromHere = 1 << 3, kHide = 1 << 9;
enum ArrayKind
{
    kNoArray,
    kFixedSize,
    kZeroTerminated,
    kLengthIndex,
    kLengthPayloadIndex,
};
// NVTX_PAYLOAD_SCHEMA_TYPE_*
constexpr std::uint32_t kUnion = 3, kUnionWithSelector = 4;
// NVTX_PAYLOAD_ENTRY_TYPE_*
constexpr std::uint64_t kString = 75, kLastString = 78, kRegisteredString = 80;
constexpr std::uint64_t kReferenced = 1022, kRaw = 1023, kFirstSchema = 1 << 24;

constexpr std::size_t kMostJson = 16 * 1024, kMostElements = 256, kMostDepth = 8, kMostRawBytes = 64, kMostSteps = 10'000;
constexpr std::size_t kMostEntries = 1024;

enum class Kind : std::uint8_t
{
    Unsigned,
    Signed,
    Real,
    Character,
    Address,
    Color
};

struct TypeInfo
{
    std::uint8_t bytes = 0; ///< 0: not a type that we know
    Kind kind = Kind::Unsigned;
};

/// Sizes are those of the ABI of 64-bit Linux.
TypeInfo typeInfo(std::uint64_t type)
{
    static constexpr TypeInfo kTypes[] = {
        {},                   // 0
        {1, Kind::Character}, // char
        {1, Kind::Unsigned},  // unsigned char
        {2, Kind::Signed},    // short
        {2, Kind::Unsigned},
        {4, Kind::Signed}, // int
        {4, Kind::Unsigned},
        {8, Kind::Signed}, // long
        {8, Kind::Unsigned},
        {8, Kind::Signed}, // long long
        {8, Kind::Unsigned},
        {1, Kind::Signed}, // int8
        {1, Kind::Unsigned},
        {2, Kind::Signed},
        {2, Kind::Unsigned},
        {4, Kind::Signed},
        {4, Kind::Unsigned},
        {8, Kind::Signed},
        {8, Kind::Unsigned}, // uint64
        {4, Kind::Real},
        {8, Kind::Real},
        {16, Kind::Real},    // long double
        {8, Kind::Unsigned}, // size_t
        {8, Kind::Address},
        {4, Kind::Character}, // wchar_t
        {1, Kind::Character},
        {2, Kind::Character},
        {4, Kind::Character}, // char32_t
    };
    if (type < std::size(kTypes))
        return kTypes[type];
    switch (type) {
    case 32: // byte
        return {1, Kind::Unsigned};
    case 42: // float16
    case 50: // bfloat16
        return {2, Kind::Real};
    case 43:
    case 52: // TF32
        return {4, Kind::Real};
    case 44:
        return {8, Kind::Real};
    case 69:
        return {4, Kind::Color};
    case 68:  // category
    case 71:  // process
    case 73:  // thread
    case 100: // selector of a union
        return {4, Kind::Unsigned};
    case 70: // scope
    case 72:
    case 74:
        return {8, Kind::Unsigned};
    case kRegisteredString:
        return {8, Kind::Address};
    default:
        return {};
    }
}

/// IEEE 754 half precision.
double halfOf(std::uint16_t bits)
{
    const int exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                             : exponent == 31 ? (fraction ? NAN : INFINITY)
                                              : std::ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

template <typename Number>
Number numberAt(std::string_view bytes, std::size_t at)
{
    Number value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

/// Within the bounds of the bytes.
std::uint64_t wholeAt(std::string_view bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, std::min<std::size_t>(size, sizeof value));
    return value;
}

std::int64_t signedOf(std::uint64_t value, std::size_t size)
{
    const auto shift = static_cast<int>(64 - 8 * size);
    return static_cast<std::int64_t>(value << shift) >> shift;
}

void appendQuoted(std::string& to, std::string_view text)
{
    std::string scratch;
    to += '"';
    for (const char c : report::validUtf8(text, scratch)) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            to += '\\', to += c;
        else if (code < 0x20)
            to += fmt::format("\\u{:04x}", code);
        else
            to += c;
    }
    to += '"';
}

constexpr std::size_t padded(std::size_t size)
{
    return (size + 7) & ~std::size_t{7};
}

/// Calls `take(header, bytes)` for each payload.
template <typename Take>
void forEachPayload(std::string_view payloads, Take take)
{
    while (payloads.size() >= sizeof(ExtendedPayloadHeader)) {
        const auto header = numberAt<ExtendedPayloadHeader>(payloads, 0);
        payloads.remove_prefix(sizeof header);
        if (header.bytes > payloads.size())
            return;
        take(header, payloads.substr(0, header.bytes));
        payloads.remove_prefix(std::min(padded(header.bytes), payloads.size()));
    }
}

} // namespace

void PayloadSchemas::add(std::uint32_t domain, std::string_view bytes)
{
    if (bytes.size() < sizeof(PayloadSchemaHeader))
        return;
    const auto header = numberAt<PayloadSchemaHeader>(bytes, 0);
    bytes.remove_prefix(sizeof header);
    const auto takeName = [&](std::size_t length) -> std::optional<std::string> {
        if (length > bytes.size())
            return std::nullopt;
        std::string name(bytes.substr(0, length));
        bytes.remove_prefix(std::min(padded(length), bytes.size()));
        return name;
    };
    Schema schema;
    const auto name = takeName(header.nameLength);
    if (!name || header.entryCount > kMostEntries)
        return;
    schema.name = *name;
    schema.staticSize = header.staticSize;
    schema.type = header.schemaType;
    schema.packAlign = header.packAlign;
    schema.isEnum = header.isEnum != 0;
    for (std::uint32_t i = 0; i < header.entryCount; ++i) {
        if (bytes.size() < sizeof(PayloadSchemaEntry))
            return;
        const auto entry = numberAt<PayloadSchemaEntry>(bytes, 0);
        bytes.remove_prefix(sizeof entry);
        const auto entryName = takeName(entry.nameLength);
        if (!entryName)
            return;
        schema.entries.push_back({entry.flags, entry.type, entry.detail, entry.offset, *entryName});
        if (!schema.isEnum)
            schema.alignment = std::max(schema.alignment, alignmentOf(domain, schema, schema.entries.back()));
    }
    if (schema.isEnum)
        schema.alignment = std::clamp<std::size_t>(static_cast<std::size_t>(schema.staticSize), 1, 8);
    m_schemas.insert_or_assign({domain, header.schemaId}, std::move(schema));
}

const PayloadSchemas::Schema* PayloadSchemas::find(std::uint32_t domain, std::uint64_t id) const
{
    const auto found = m_schemas.find({domain, id});
    return found == m_schemas.end() ? nullptr : &found->second;
}

/// Natural, or as packed. What nests in a schema was registered before it.
std::size_t PayloadSchemas::alignmentOf(std::uint32_t domain, const Schema& schema, const Entry& entry) const
{
    std::size_t alignment = std::max<std::size_t>(typeInfo(entry.type).bytes, 1);
    if (entry.flags & kPointer)
        alignment = 8;
    else if (entry.type >= kString && entry.type <= kLastString)
        alignment = entry.type == 77 ? 2 : entry.type == 78 ? 4 : 1;
    else if (const Schema* nested = find(domain, entry.type))
        alignment = nested->alignment;
    return schema.packAlign > 0 ? std::min<std::size_t>(alignment, schema.packAlign) : alignment;
}

/// One payload on its way to JSON.
class PayloadSchemas::Reading
{
public:
    Reading(const PayloadSchemas& schemas, std::uint32_t domain, std::string_view bytes, std::string& out)
        : m_schemas(schemas), m_domain(domain), m_bytes(bytes), m_out(out)
    {
    }

    void payload(std::uint64_t schemaId)
    {
        const Schema* schema = m_schemas.find(m_domain, schemaId);
        if (schema && !schema->isEnum) {
            object(*schema, 0, 0);
            return;
        }
        // An array of a predefined type, or bytes.
        const std::size_t size = schema ? schema->staticSize : typeInfo(schemaId).bytes;
        m_out += "{\"value\":";
        if (schemaId >= kString && schemaId <= kLastString)
            characters(0, m_bytes.size(), schemaId);
        else if (size == 0 || size > m_bytes.size())
            raw();
        else if (m_bytes.size() < 2 * size)
            scalar(schemaId, 0);
        else
            array(schemaId, 0, m_bytes.size() / size, 0);
        m_out += '}';
    }

private:
    /// Schemas may nest in themselves, and hide what they read.
    [[nodiscard]] bool isFull() { return m_out.size() > kMostJson || ++m_steps > kMostSteps; }

    /// Of an entry's type; 0: unknown, or one whose size only its content tells.
    [[nodiscard]] std::size_t sizeOf(std::uint64_t type) const
    {
        if (type < kFirstSchema)
            return typeInfo(type).bytes;
        const Schema* schema = m_schemas.find(m_domain, type);
        return schema ? static_cast<std::size_t>(std::min<std::uint64_t>(schema->staticSize, m_bytes.size() + 1)) : 0;
    }

    /// Returns where it ends.
    std::size_t object(const Schema& schema, std::size_t base, std::size_t depth)
    {
        const std::size_t whole = m_out.size();
        m_out += '{';
        std::size_t cursor = base, end = base;
        std::vector<std::uint64_t> values(schema.entries.size()); // of whole numbers, for lengths and selectors
        const bool isUnion = schema.type == kUnion || schema.type == kUnionWithSelector;
        for (std::size_t i = 0; i < schema.entries.size() && !isFull(); ++i) {
            const Entry& entry = schema.entries[i];
            const std::size_t alignment = m_schemas.alignmentOf(m_domain, schema, entry);
            if (isUnion)
                cursor = base;
            if (entry.offset != 0 && entry.offset <= m_bytes.size())
                cursor = base + static_cast<std::size_t>(entry.offset);
            else
                cursor += (alignment - (cursor - base) % alignment) % alignment;
            if (cursor > m_bytes.size())
                break;
            const std::size_t before = m_out.size();
            if (before > whole + 1)
                m_out += ',';
            appendQuoted(m_out, entry.name.empty() ? fmt::format("member {}", i + 1) : entry.name);
            m_out += ':';
            const std::optional<std::size_t> next = member(entry, cursor, values, i, depth);
            if (!next || (entry.flags & kHide))
                m_out.resize(before);
            if (!next)
                break; // where the others are is not known
            cursor = *next;
            end = std::max(end, cursor);
        }
        m_out += '}';
        return schema.staticSize > 0 && schema.staticSize <= m_bytes.size() ? base + static_cast<std::size_t>(schema.staticSize) : end;
    }

    /// Returns where it ends; absent: it cannot be read.
    std::optional<std::size_t> member(const Entry& entry, std::size_t at, std::vector<std::uint64_t>& values, std::size_t index,
                                      std::size_t depth)
    {
        const auto arrayKind = static_cast<ArrayKind>(entry.flags >> 4 & 7);
        if (entry.flags & kPointer) { // what it points to was not copied
            if (m_bytes.size() - at < 8)
                return std::nullopt;
            m_out += fmt::format("\"{:#x}\"", numberAt<std::uint64_t>(m_bytes, at));
            return at + 8;
        }
        if (entry.flags & (kOffsetFromBase | kOffsetFromHere)) {
            const std::size_t size = std::max<std::size_t>(typeInfo(entry.type).bytes, 8);
            if (m_bytes.size() - at < size)
                return std::nullopt;
            m_out += fmt::format("\"offset {}\"", wholeAt(m_bytes, at, size));
            return at + size;
        }
        std::uint64_t count = 1;
        if (arrayKind == kFixedSize)
            count = entry.detail;
        else if (arrayKind == kLengthIndex)
            count = entry.detail < index ? values[static_cast<std::size_t>(entry.detail)] : 0;
        else if (arrayKind == kLengthPayloadIndex)
            return std::nullopt;
        if (entry.type >= kString && entry.type <= kLastString)
            return text(entry, arrayKind, at, count);
        const std::size_t size = sizeOf(entry.type);
        if (arrayKind == kZeroTerminated) {
            if (size == 0)
                return std::nullopt;
            for (count = 0;
                 at + (static_cast<std::size_t>(count) + 1) * size <= m_bytes.size() &&
                 m_bytes.substr(at + static_cast<std::size_t>(count) * size, size).find_first_not_of('\0') != std::string_view::npos;)
                ++count;
            array(entry.type, at, static_cast<std::size_t>(count), depth);
            return std::min(m_bytes.size(), at + (static_cast<std::size_t>(count) + 1) * size);
        }
        if (arrayKind != kNoArray) {
            if (size == 0 || count > (m_bytes.size() - at) / size)
                return std::nullopt;
            array(entry.type, at, static_cast<std::size_t>(count), depth);
            return at + static_cast<std::size_t>(count) * size;
        }
        if (const Schema* nested = m_schemas.find(m_domain, entry.type); nested && !nested->isEnum) {
            if (depth + 1 >= kMostDepth)
                return std::nullopt;
            const std::size_t end = object(*nested, at, depth + 1);
            return end <= m_bytes.size() && end > at ? std::optional(end) : std::nullopt;
        }
        if (size == 0 || m_bytes.size() - at < size)
            return std::nullopt;
        if (size <= 8)
            values[index] = typeInfo(entry.type).kind == Kind::Signed
                                ? static_cast<std::uint64_t>(signedOf(wholeAt(m_bytes, at, size), size))
                                : wholeAt(m_bytes, at, size);
        scalar(entry.type, at);
        return at + size;
    }

    std::optional<std::size_t> text(const Entry& entry, ArrayKind kind, std::size_t at, std::uint64_t count)
    {
        const std::size_t width = entry.type == 77 ? 2 : entry.type == 78 ? 4 : 1;
        const std::size_t room = m_bytes.size() - at;
        if (kind == kZeroTerminated && entry.detail == 0) {
            std::size_t length = 0;
            while ((length + 1) * width <= room && wholeAt(m_bytes, at + length * width, width) != 0)
                ++length;
            characters(at, length * width, entry.type);
            return std::min(m_bytes.size(), at + (length + 1) * width);
        }
        const std::uint64_t length = kind == kLengthIndex ? count : entry.detail;
        if (kind == kZeroTerminated || length == 0 || length > room / width)
            return std::nullopt;
        characters(at, static_cast<std::size_t>(length) * width, entry.type);
        return at + static_cast<std::size_t>(length) * width;
    }

    /// Up to the first NUL. Wide ones as ASCII, what is none of it as '?'.
    void characters(std::size_t at, std::size_t size, std::uint64_t type)
    {
        const std::size_t width = type == 77 ? 2 : type == 78 ? 4 : 1;
        std::string narrow;
        for (std::size_t i = 0; i + width <= size; i += width) {
            const std::uint64_t code = wholeAt(m_bytes, at + i, width);
            if (code == 0)
                break;
            narrow += width == 1 || code < 0x80 ? static_cast<char>(code) : '?';
        }
        appendQuoted(m_out, narrow);
    }

    void array(std::uint64_t type, std::size_t at, std::size_t count, std::size_t depth)
    {
        const std::size_t size = sizeOf(type);
        if (size == 0) {
            m_out += "[]";
            return;
        }
        if (typeInfo(type).kind == Kind::Character && type < kFirstSchema) { // a text, however it was declared
            characters(at, std::min(count * size, m_bytes.size() - at), size == 1 ? kString : size == 2 ? 77 : 78);
            return;
        }
        const Schema* nested = m_schemas.find(m_domain, type);
        m_out += '[';
        for (std::size_t i = 0; i < count && at + (i + 1) * size <= m_bytes.size(); ++i) {
            if (i > 0)
                m_out += ',';
            if (i == kMostElements || isFull()) {
                m_out += fmt::format("\"{} more\"", count - i);
                break;
            }
            if (nested && !nested->isEnum && depth + 1 < kMostDepth)
                object(*nested, at + i * size, depth + 1);
            else
                scalar(type, at + i * size);
        }
        m_out += ']';
    }

    void raw()
    {
        m_out += '"';
        for (std::size_t i = 0; i < std::min(m_bytes.size(), kMostRawBytes); ++i)
            m_out += fmt::format("{:02x}", static_cast<unsigned char>(m_bytes[i]));
        m_out += m_bytes.size() > kMostRawBytes ? fmt::format("… {} bytes\"", m_bytes.size()) : "\"";
    }

    /// Of a predefined type or an enumeration; its bytes are there.
    void scalar(std::uint64_t type, std::size_t at)
    {
        const Schema* enumeration = m_schemas.find(m_domain, type);
        const TypeInfo info =
            enumeration ? TypeInfo{static_cast<std::uint8_t>(std::min<std::uint64_t>(enumeration->staticSize, 8))} : typeInfo(type);
        if (info.bytes == 0) {
            m_out += "null";
            return;
        }
        const std::uint64_t bits = wholeAt(m_bytes, at, info.bytes);
        if (enumeration) {
            enumerator(*enumeration, bits);
            return;
        }
        switch (info.kind) {
        case Kind::Unsigned:
            whole(bits, false);
            break;
        case Kind::Signed: {
            const std::int64_t value = signedOf(bits, info.bytes);
            whole(value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), value < 0);
            break;
        }
        case Kind::Real:
            real(type, info.bytes, at, bits);
            break;
        case Kind::Character: {
            const char c = bits < 0x80 ? static_cast<char>(bits) : '?';
            appendQuoted(m_out, std::string_view(&c, bits == 0 ? 0 : 1));
            break;
        }
        case Kind::Address:
            m_out += fmt::format("\"{:#x}\"", bits);
            break;
        case Kind::Color:
            m_out += fmt::format("\"#{:08x}\"", bits);
            break;
        }
    }

    void whole(std::uint64_t magnitude, bool isNegative)
    {
        constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
        const char* quote = magnitude > kExact ? "\"" : "";
        m_out += fmt::format("{}{}{}{}", quote, isNegative ? "-" : "", magnitude, quote);
    }

    void real(std::uint64_t type, std::size_t size, std::size_t at, std::uint64_t bits)
    {
        double value = 0;
        if (type == 42)
            value = halfOf(static_cast<std::uint16_t>(bits));
        else if (type == 50) // the upper half of a float
            bits <<= 16;
        if (type != 42 && size <= 4) {
            float narrow = 0;
            const auto low = static_cast<std::uint32_t>(bits);
            std::memcpy(&narrow, &low, sizeof narrow);
            value = static_cast<double>(narrow);
            if (std::isfinite(value)) {
                m_out += fmt::format("{}", narrow);
                return;
            }
        } else if (size == 8) {
            std::memcpy(&value, &bits, sizeof value);
        } else if (size == 16) {
            value = static_cast<double>(numberAt<long double>(m_bytes, at));
        }
        m_out += std::isfinite(value) ? fmt::format("{}", value) : fmt::format("\"{}\"", value);
    }

    void enumerator(const Schema& enumeration, std::uint64_t bits)
    {
        std::string names;
        for (const Entry& entry : enumeration.entries) {
            if (entry.detail == bits) {
                appendQuoted(m_out, entry.name);
                return;
            }
            if (entry.flags && entry.detail != 0 && (bits & entry.detail) == entry.detail)
                names += (names.empty() ? "" : " | ") + entry.name;
        }
        if (names.empty())
            whole(bits, false);
        else
            appendQuoted(m_out, names);
    }

    const PayloadSchemas& m_schemas;
    std::uint32_t m_domain;
    std::string_view m_bytes;
    std::string& m_out;
    std::size_t m_steps = 0;
};

std::string PayloadSchemas::json(std::uint32_t domain, std::string_view payloads) const
{
    std::vector<std::pair<std::string, std::string>> texts; // by the schema's name
    forEachPayload(payloads, [&](const ExtendedPayloadHeader& header, std::string_view bytes) {
        if (header.schemaId == kReferenced || bytes.empty())
            return;
        const Schema* schema = find(domain, header.schemaId);
        auto& [name, text] = texts.emplace_back(schema ? schema->name : std::string(), std::string());
        if (name.empty())
            name = fmt::format("payload {}", texts.size());
        Reading(*this, domain, bytes, text).payload(schema || header.schemaId < kRaw ? header.schemaId : kRaw);
    });
    if (texts.size() <= 1)
        return texts.empty() ? std::string() : texts.front().second;
    std::string all = "{";
    for (const auto& [name, text] : texts) {
        if (all.size() + text.size() > kMostJson)
            break;
        if (all.size() > 1)
            all += ',';
        appendQuoted(all, name);
        all += ':' + text;
    }
    return all + '}';
}

std::string PayloadSchemas::json(std::uint32_t domain, std::string_view atBegin, std::string_view atEnd) const
{
    const std::string begin = json(domain, atBegin), end = json(domain, atEnd);
    if (begin.empty() || end.empty())
        return begin + end;
    return "{\"begin\":" + begin + ",\"end\":" + end + '}';
}

std::string_view PayloadSchemas::name(std::uint32_t domain, std::string_view payloads) const
{
    std::string_view name;
    forEachPayload(payloads, [&](const ExtendedPayloadHeader& header, std::string_view) {
        if (const Schema* schema = find(domain, header.schemaId); schema && name.empty())
            name = schema->name;
    });
    return name;
}

} // namespace gantry::node
