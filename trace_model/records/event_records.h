#pragma once

#include <cstdint>

/// What the capture library writes into shared-memory chunks: plain structs, little endian, 8-byte aligned, each starting
/// with a RecordHeader. The library writes them, the node's chunk reader checks and reads them; nobody else.
/// CHUNK_FORMAT.md describes the same for people. Needs libc alone: it is compiled into injected code.
namespace gantry::records {

enum class RecordType : std::uint16_t
{
    Text = 1,             ///< TextRecord: dictionary entry, valid for the process's whole life
    Domain = 2,           ///< NamedRecord: NVTX domain `id`
    Category = 3,         ///< NamedRecord: NVTX category `id` of domain `scope`
    ThreadName = 4,       ///< NamedRecord: Linux thread `id`
    ApiName = 5,          ///< NamedRecord: CUPTI callback id `id` of the runtime (scope 0) or driver (scope 1) API
    PayloadSchema = 6,    ///< NamedRecord of domain `scope`, whose text is a PayloadSchemaHeader, a name and the entries
    StreamName = 8,       ///< NamedRecord: CUDA stream `id` of device `scope`
    NvtxPush = 10,        ///< NvtxRecord
    NvtxPop = 11,         ///< NvtxRecord: time, thread, domain, rangeId and enclosing only
    NvtxStart = 12,       ///< NvtxRecord
    NvtxEnd = 13,         ///< NvtxRecord: time, thread and rangeId only
    NvtxMark = 14,        ///< NvtxRecord
    NvtxShortPush = 15,   ///< ShortPushRecord
    NvtxShortPop = 16,    ///< ShortPopRecord
    ApiCall = 20,         ///< ApiRecord
    Kernel = 21,          ///< KernelRecord
    Memcpy = 22,          ///< CopyRecord
    Memset = 23,          ///< CopyRecord: bytes, value, destinationKind
    Synchronization = 24, ///< SyncRecord
    Overhead = 25,        ///< OverheadRecord
    Device = 26,          ///< DeviceRecord
    Stream = 27,          ///< StreamRecord
    Context = 28,         ///< ContextRecord
    ClockSample = 30,     ///< ClockRecord
    GraphLaunch = 40,     ///< GraphRecord
    MemoryOperation = 41, ///< MemoryRecord
    Module = 42,          ///< ModuleRecord
    Jit = 43,             ///< JitRecord
};

struct RecordHeader
{
    RecordType type;
    std::uint16_t reserved;
    std::uint32_t size; ///< of the whole record with its text, a multiple of 8
};

/// Dictionary text: `length` bytes follow, not terminated.
struct TextRecord
{
    RecordHeader header;
    std::uint32_t id;
    std::uint32_t length;
};

/// A name for a number: `length` bytes follow.
struct NamedRecord
{
    RecordHeader header;
    std::uint32_t scope;
    std::uint32_t id;
    std::uint32_t length;
    std::uint32_t reserved;
};

enum class PayloadType : std::uint8_t
{
    None,
    Unsigned,
    Signed,
    Double,
    Extended
};

/// Most bytes of extended payloads of one event, with their headers.
inline constexpr std::uint32_t kMaxExtendedPayload = 4096;

/// An extended payload: `bytes` of it follow, padded to a multiple of 8. An event with PayloadType::Extended has `NvtxRecord::payload`
/// bytes of these behind its text, which is padded in the same way.
struct ExtendedPayloadHeader
{
    std::uint64_t schemaId; ///< of the event's domain, or a type of nvToolsExtPayload.h
    std::uint32_t bytes;
    std::uint32_t isCut;
};

/// A schema or enumeration of NVTX's payload extension: its name follows, padded to a multiple of 8, then the entries.
struct PayloadSchemaHeader
{
    std::uint64_t schemaId;
    std::uint64_t staticSize; ///< bytes; 0: not given
    std::uint32_t schemaType; ///< NVTX_PAYLOAD_SCHEMA_TYPE_*
    std::uint32_t isEnum;
    std::uint32_t packAlign;
    std::uint32_t nameLength;
    std::uint32_t entryCount;
    std::uint32_t reserved;
};

/// An entry of a schema as in nvtxPayloadSchemaEntry_t; of an enumeration `detail` is a value, and `flags` 1 where it is a set of bits. Its
/// name follows, padded to a multiple of 8.
struct PayloadSchemaEntry
{
    std::uint64_t flags, type, detail, offset;
    std::uint32_t nameLength, reserved;
};

/// An NVTX event. Its text is dictionary entry `textId`, or, when that is 0, the `textLength` bytes that follow.
/// Times of NVTX events: ticks of the time-stamp counter where the process's clock samples have ticks, else ns of CLOCK_MONOTONIC.
struct NvtxRecord
{
    RecordHeader header;
    std::int64_t time;
    std::uint64_t rangeId; ///< start/end: unique in the process; push/pop: number of the push in its thread, from 1
    std::uint64_t payload; ///< as PayloadType says, bit for bit
    std::uint32_t tid;
    std::uint32_t domain; ///< 0: default domain
    std::uint32_t category;
    std::uint32_t color; ///< 0xAARRGGBB, 0: none
    std::uint32_t textId;
    std::uint16_t textLength;
    PayloadType payloadType;
    std::uint8_t reserved;
    std::uint32_t enclosing; ///< push/pop: rangeId of the open push around it in its thread and domain, 0: none
    std::uint32_t reserved2;
};

/// A push without payload and category. Its text, when `textId` is 0, fills the rest of the record and is padded with NUL.
struct ShortPushRecord
{
    RecordHeader header;
    std::int64_t time;
    std::uint32_t tid;
    std::uint32_t domain;
    std::uint32_t number;    ///< of the push in its thread, from 1
    std::uint32_t enclosing; ///< number of the open push around it in its thread and domain, 0: none
    std::uint32_t textId;
    std::uint32_t color;
};

struct ShortPopRecord
{
    RecordHeader header;
    std::int64_t time;
    std::uint32_t tid;
    std::uint32_t domain;
    std::uint32_t number; ///< of the push that it ends
    std::uint32_t enclosing;
};

/// CUPTI times are CLOCK_REALTIME (CUPTI guide, "Timestamps": the default on Linux); the reader converts them by the clock samples.
struct ApiRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint32_t tid;
    std::uint32_t correlationId;
    std::uint32_t callbackId;
    std::int32_t returnValue;
    std::uint32_t isDriver;
    std::uint32_t reserved;
};

struct KernelRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint64_t gridId, graphNodeId, localMemoryTotal;
    std::uint32_t deviceId, contextId, streamId, correlationId;
    std::uint32_t nameId; ///< dictionary entry, mangled
    std::uint32_t grid[3], block[3];
    std::uint32_t registersPerThread, staticSharedMemory, dynamicSharedMemory, localMemoryPerThread;
    std::uint32_t graphId;
};

struct CopyRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint64_t bytes, graphNodeId;
    std::uint32_t deviceId, contextId, streamId, correlationId;
    std::uint32_t value;                                ///< memset
    std::uint8_t copyKind, sourceKind, destinationKind; ///< CUPTI's numbers (CUpti_ActivityMemcpyKind, …MemoryKind)
    std::uint8_t isPeer;                                ///< 1: the next four are known
    std::uint32_t sourceDevice, sourceContext, destinationDevice, destinationContext;
};

/// A launch of a CUDA graph that was recorded as a whole.
struct GraphRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint32_t deviceId, contextId, streamId, correlationId;
    std::uint32_t graphId;
    std::uint32_t reserved;
};

/// Memory was allocated or released.
struct MemoryRecord
{
    RecordHeader header;
    std::int64_t timeRealtimeNs;
    std::uint64_t address, bytes, programCounter;
    std::uint64_t poolAddress, poolReleaseThreshold, poolSize, poolUsed; ///< of poolType 1; of 2 poolSize is the owner's process id
    std::uint32_t deviceId, contextId, streamId, correlationId;
    std::uint32_t nameId;    ///< dictionary entry of a variable, 0: none
    std::uint8_t operation;  ///< CUpti_ActivityMemoryOperationType: 1 allocation, 2 release
    std::uint8_t memoryKind; ///< CUpti_ActivityMemoryKind
    std::uint8_t poolType;   ///< CUpti_ActivityMemoryPoolType: 0 none, 1 of this process, 2 of another
    std::uint8_t reserved;
};

/// A module of GPU code has been loaded, or is about to be unloaded.
struct ModuleRecord
{
    RecordHeader header;
    std::int64_t timeRealtimeNs;
    std::uint64_t codeBytes;
    std::uint32_t tid, moduleId;
    std::uint32_t isUnloaded;
    std::uint32_t reserved;
};

/// The driver compiled code for the GPU, or used its cache of what it compiled before.
struct JitRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint32_t deviceId, correlationId;
    std::uint32_t entry;     ///< CUpti_ActivityJitEntryType
    std::uint32_t operation; ///< CUpti_ActivityJitOperationType
};

struct SyncRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint32_t contextId, streamId, correlationId, eventId;
    std::uint32_t type; ///< CUpti_ActivitySynchronizationType
    std::uint32_t reserved;
};

struct OverheadRecord
{
    RecordHeader header;
    std::int64_t startRealtimeNs, endRealtimeNs;
    std::uint32_t kind; ///< CUpti_ActivityOverheadKind
    std::uint32_t tid;
};

struct DeviceRecord
{
    RecordHeader header;
    std::uint64_t memoryBytes;
    std::uint8_t uuid[16];
    std::uint32_t deviceId, smCount;
    std::uint32_t computeMajor, computeMinor;
    char name[96]; ///< NUL-terminated
};

struct StreamRecord
{
    RecordHeader header;
    std::uint32_t contextId, streamId;
    std::int32_t priority;
    std::uint32_t flag; ///< CUpti_ActivityStreamFlag
};

struct ContextRecord
{
    RecordHeader header;
    std::uint32_t contextId, deviceId;
    std::uint32_t nullStreamId; ///< the context's default stream
    std::uint32_t reserved;
};

/// The clocks of one instant.
struct ClockRecord
{
    RecordHeader header;
    std::int64_t monotonicNs, realtimeNs, rawNs;
    std::int64_t bracketNs;      ///< width of the bracket the readings were taken in
    std::int64_t ticks;          ///< time-stamp counter; 0: the process does not use it
    std::int64_t ticksPerSecond; ///< as seen since the process began to record; 0: not known yet
};

} // namespace gantry::records
