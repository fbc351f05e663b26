#pragma once

#include <cstddef>
#include <cstdint>

/// What NVTX's payload extension hands over, as nvToolsExtPayload.h and nvtxExtTypes.h declare it (NVTX 3.1 and later): toolkits that have
/// an older NVTX build this library, too. Plain C structs of a binary interface that only grows.
namespace gantry::capture::nvtx_payload {

inline constexpr std::uint16_t kModuleId = 2;                // NVTX_EXT_PAYLOAD_MODULEID
inline constexpr std::int32_t kPayloadType = -541261815;     // NVTX_PAYLOAD_TYPE_EXT
inline constexpr std::uint64_t kFirstDynamicId = 1ull << 32; // NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START

/// Places of functionSlots, NVTX3EXT_CBID_*.
enum Slot : std::size_t
{
    SlotSchemaRegister,
    SlotEnumRegister,
    SlotMark,
    SlotRangePush,
    SlotRangePop,
    SlotRangeStart,
    SlotRangeEnd,
    SlotDomainIsEnabled,
};

struct Data
{
    std::uint64_t schemaId;
    std::size_t size; ///< SIZE_MAX: that of the schema
    const void* payload;
};

struct SchemaEntry
{
    std::uint64_t flags, type;
    const char* name;
    const char* description;
    std::uint64_t arrayOrUnionDetail, offset;
    const void* semantics;
    const void* reserved;
};

/// Bits of fieldMask.
inline constexpr std::uint64_t kFieldName = 1 << 1;
inline constexpr std::uint64_t kSchemaType = 1 << 2, kSchemaEntries = 1 << 4, kSchemaEntryCount = 1 << 5, kSchemaStaticSize = 1 << 6,
                               kSchemaAlignment = 1 << 7, kSchemaId = 1 << 8;
inline constexpr std::uint64_t kEnumEntries = 1 << 2, kEnumEntryCount = 1 << 3, kEnumSize = 1 << 4, kEnumId = 1 << 5;

struct SchemaAttributes
{
    std::uint64_t fieldMask;
    const char* name;
    std::uint64_t type, flags;
    const SchemaEntry* entries;
    std::size_t entryCount, staticSize, packAlign;
    std::uint64_t schemaId;
    void* extension;
};

struct EnumValue
{
    const char* name;
    std::uint64_t value;
    std::int8_t isFlag;
};

struct EnumAttributes
{
    std::uint64_t fieldMask;
    const char* name;
    const EnumValue* entries;
    std::size_t entryCount, size;
    std::uint64_t schemaId;
    void* extension;
};

struct ModuleSegment
{
    std::size_t segmentId, slotCount;
    std::intptr_t* functionSlots;
};

/// What InitializeInjectionNvtxExtension gets.
struct ModuleInfo
{
    std::uint16_t nvtxVersion, structSize, moduleId, compatibilityId;
    std::size_t segmentCount;
    ModuleSegment* segments;
    std::intptr_t (*getExportFunction)(std::uint32_t);
    const void* info;
};

static_assert(sizeof(Data) == 24 && sizeof(SchemaEntry) == 64 && sizeof(SchemaAttributes) == 80 && sizeof(EnumValue) == 24 &&
              sizeof(EnumAttributes) == 56 && sizeof(ModuleSegment) == 24 && sizeof(ModuleInfo) == 40);

} // namespace gantry::capture::nvtx_payload
