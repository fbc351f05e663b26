#include "remote_server/capture/nvtx_payload.h"

#include "remote_server/capture/nvtx_dictionary.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace gantry::capture {
namespace {

using records::ExtendedPayloadHeader;
using records::LossCounter;
using records::PayloadSchemaEntry;
using records::PayloadSchemaHeader;
using records::RecordType;

constexpr std::size_t kMostPayloads = 64;      // of one event; more is taken for an uninitialised field
constexpr std::size_t kLongestName = 255;      // bytes
constexpr std::size_t kMostSchemaBytes = 8192; // a record holds it

std::atomic<std::uint64_t> g_nextSchemaId{nvtx_payload::kFirstDynamicId};

/// Sizes of schemas, for payloads that leave their size to us. Few programs have more schemas than this, and few of them do that.
struct KnownSize
{
    std::atomic<std::uint64_t> schemaId;
    std::uint32_t domain, bytes;
};
KnownSize g_sizes[256];
std::atomic<std::uint32_t> g_sizeCount{0};

void rememberSize(std::uint32_t domain, std::uint64_t schemaId, std::size_t bytes)
{
    const std::uint32_t place = bytes > 0 && bytes <= UINT32_MAX ? g_sizeCount.fetch_add(1, std::memory_order_relaxed) : UINT32_MAX;
    if (place >= std::size(g_sizes)) {
        g_sizeCount.store(std::size(g_sizes), std::memory_order_relaxed);
        return;
    }
    g_sizes[place].domain = domain;
    g_sizes[place].bytes = static_cast<std::uint32_t>(bytes);
    g_sizes[place].schemaId.store(schemaId, std::memory_order_release);
}

std::size_t knownSize(std::uint32_t domain, std::uint64_t schemaId)
{
    const std::uint32_t count = std::min<std::uint32_t>(g_sizeCount.load(std::memory_order_relaxed), std::size(g_sizes));
    for (std::uint32_t i = 0; i < count; ++i)
        if (g_sizes[i].schemaId.load(std::memory_order_acquire) == schemaId && g_sizes[i].domain == domain)
            return g_sizes[i].bytes;
    return 0;
}

/// The text of a dictionary entry while it is put together.
class SchemaText
{
public:
    SchemaText() { std::memset(m_bytes, 0, sizeof(PayloadSchemaHeader)); }

    PayloadSchemaHeader& header() { return *reinterpret_cast<PayloadSchemaHeader*>(m_bytes); }

    void setName(const char* name)
    {
        header().nameLength = static_cast<std::uint32_t>(lengthOf(name));
        appendText(name, header().nameLength);
    }

    /// False: there is no room for it.
    bool add(PayloadSchemaEntry entry, const char* name)
    {
        entry.nameLength = static_cast<std::uint32_t>(lengthOf(name));
        if (m_size + sizeof entry + entry.nameLength + 8 > sizeof m_bytes)
            return false;
        std::memcpy(m_bytes + m_size, &entry, sizeof entry);
        m_size += sizeof entry;
        appendText(name, entry.nameLength);
        ++header().entryCount;
        return true;
    }

    [[nodiscard]] std::string_view text() const { return {m_bytes, m_size}; }

private:
    static std::size_t lengthOf(const char* name) { return name ? strnlen(name, kLongestName) : 0; }

    void appendText(const char* text, std::size_t length)
    {
        const std::size_t padded = (length + 7) & ~std::size_t{7};
        std::memset(m_bytes + m_size, 0, padded);
        if (length > 0)
            std::memcpy(m_bytes + m_size, text, length);
        m_size += padded;
    }

    alignas(8) char m_bytes[kMostSchemaBytes];
    std::size_t m_size = sizeof(PayloadSchemaHeader);
};

std::uint64_t defineSchema(SchemaText& schema, std::uint32_t domain, std::uint64_t givenId, bool isWhole)
{
    CaptureState* s = state();
    if (!s)
        return 0;
    if (!isWhole)
        s->region.count(LossCounter::TextTruncated);
    const std::uint64_t id = givenId != 0 ? givenId : g_nextSchemaId.fetch_add(1, std::memory_order_relaxed);
    schema.header().schemaId = id;
    return define(*s, RecordType::PayloadSchema, domain, 0, schema.text()) ? id : 0;
}

} // namespace

ExtendedPayload extendedPayload(const nvtxEventAttributes_t& attributes)
{
    if (attributes.payloadType != nvtx_payload::kPayloadType || attributes.reserved0 < 1 ||
        static_cast<std::size_t>(attributes.reserved0) > kMostPayloads)
        return {};
    return {reinterpret_cast<const nvtx_payload::Data*>(attributes.payload.ullValue), static_cast<std::size_t>(attributes.reserved0)};
}

void PayloadBytes::take(CaptureState& s, std::uint32_t domain, const ExtendedPayload& payload)
{
    for (std::size_t i = 0; i < std::min(payload.count, kMostPayloads); ++i) {
        const nvtx_payload::Data& data = payload.data[i];
        const std::size_t size = data.size == SIZE_MAX ? knownSize(domain, data.schemaId) : data.size;
        if (!data.payload || size == 0)
            continue;
        if (m_size + sizeof(ExtendedPayloadHeader) + 8 > sizeof m_bytes) {
            s.region.count(LossCounter::TextTruncated);
            return;
        }
        const std::size_t room = (sizeof m_bytes - m_size - sizeof(ExtendedPayloadHeader)) & ~std::size_t{7};
        const std::size_t taken = std::min(size, room);
        if (taken < size)
            s.region.count(LossCounter::TextTruncated);
        const ExtendedPayloadHeader header{data.schemaId, static_cast<std::uint32_t>(taken), taken < size ? 1u : 0u};
        std::memcpy(m_bytes + m_size, &header, sizeof header);
        m_size += sizeof header;
        std::memcpy(m_bytes + m_size, data.payload, taken);
        const std::size_t padded = (taken + 7) & ~std::size_t{7};
        std::memset(m_bytes + m_size + taken, 0, padded - taken);
        m_size += padded;
    }
}

std::uint64_t definePayloadSchema(std::uint32_t domain, const nvtx_payload::SchemaAttributes* attributes)
{
    if (!attributes)
        return 0;
    const auto has = [&](std::uint64_t field) { return (attributes->fieldMask & field) != 0; };
    SchemaText schema;
    PayloadSchemaHeader& header = schema.header();
    header.schemaType = has(nvtx_payload::kSchemaType) ? static_cast<std::uint32_t>(attributes->type) : 0;
    header.staticSize = has(nvtx_payload::kSchemaStaticSize) ? attributes->staticSize : 0;
    header.packAlign = has(nvtx_payload::kSchemaAlignment) ? static_cast<std::uint32_t>(attributes->packAlign) : 0;
    schema.setName(has(nvtx_payload::kFieldName) ? attributes->name : nullptr);
    bool isWhole = true;
    if (has(nvtx_payload::kSchemaEntries) && has(nvtx_payload::kSchemaEntryCount) && attributes->entries)
        for (std::size_t i = 0; i < attributes->entryCount && isWhole; ++i) {
            const nvtx_payload::SchemaEntry& entry = attributes->entries[i];
            isWhole = schema.add({entry.flags, entry.type, entry.arrayOrUnionDetail, entry.offset, 0, 0}, entry.name);
        }
    const std::uint64_t id = defineSchema(schema, domain, has(nvtx_payload::kSchemaId) ? attributes->schemaId : 0, isWhole);
    if (id != 0)
        rememberSize(domain, id, header.staticSize);
    return id;
}

std::uint64_t definePayloadEnum(std::uint32_t domain, const nvtx_payload::EnumAttributes* attributes)
{
    if (!attributes)
        return 0;
    const auto has = [&](std::uint64_t field) { return (attributes->fieldMask & field) != 0; };
    SchemaText schema;
    PayloadSchemaHeader& header = schema.header();
    header.isEnum = 1;
    header.staticSize = has(nvtx_payload::kEnumSize) ? attributes->size : sizeof(int);
    schema.setName(has(nvtx_payload::kFieldName) ? attributes->name : nullptr);
    bool isWhole = true;
    if (has(nvtx_payload::kEnumEntries) && has(nvtx_payload::kEnumEntryCount) && attributes->entries)
        for (std::size_t i = 0; i < attributes->entryCount && isWhole; ++i) {
            const nvtx_payload::EnumValue& value = attributes->entries[i];
            isWhole = schema.add({value.isFlag ? 1u : 0u, 0, value.value, 0, 0, 0}, value.name);
        }
    return defineSchema(schema, domain, has(nvtx_payload::kEnumId) ? attributes->schemaId : 0, isWhole);
}

} // namespace gantry::capture
