#pragma once

#include "trace_model/base/strong_id.h"
#include "trace_model/base/time.h"
#include "trace_model/records/request_phase.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gantry::trace {

using TrackId = StrongId<struct TrackTag>;         ///< index into Trace::tracks
using StringId = StrongId<struct StringTag>;       ///< index into the string table
using RequestIndex = StrongId<struct RequestTag>;  ///< index into Trace::requests
using ExecutionIndex = StrongId<struct ExecutionTag>;

/// What an event is. The values are the high bits of an EventId.
enum class EventKind : std::uint8_t
{
    Kernel,
    Memcpy,
    Memset,
    Synchronization,
    ApiCall,
    NvtxRange,
    NvtxMark,
    Overhead,
    Phase, ///< one phase of one request, or a part of it outside its phases
};

inline constexpr int kEventKindCount = 9;

/// Stable lower-case name: "kernel", "memcpy", "api_call", ...
[[nodiscard]] std::string_view name(EventKind kind);

/// One event of a Trace: its kind and its row in that kind's columns. 28 bits of row: 268 M events of a kind.
struct EventId
{
    std::uint32_t packed = 0xFFFFFFFFu;

    constexpr EventId() = default;
    constexpr EventId(EventKind kind, std::uint32_t row) : packed(static_cast<std::uint32_t>(kind) << 28 | row) {}
    [[nodiscard]] constexpr EventKind kind() const { return static_cast<EventKind>(packed >> 28); }
    [[nodiscard]] constexpr std::uint32_t row() const { return packed & 0x0FFFFFFFu; }
    [[nodiscard]] constexpr bool isNone() const { return packed == 0xFFFFFFFFu; }
    constexpr auto operator<=>(const EventId&) const = default;
};

/// Columns are parallel arrays, one entry per event, sorted by start. Times: ns since the session start.
struct EventColumns
{
    std::vector<TimestampNs> start;
    std::vector<TimestampNs> end; ///< == start for instants
    [[nodiscard]] std::size_t size() const { return start.size(); }
};

struct KernelColumns : EventColumns
{
    std::vector<std::uint64_t> globalPid;
    std::vector<std::uint32_t> device, context, stream, correlation;
    std::vector<StringId> shortName, demangledName;
    std::vector<std::array<std::uint32_t, 3>> grid, block;
    std::vector<std::uint32_t> registersPerThread, staticSharedMemory, dynamicSharedMemory; ///< count, bytes, bytes
    std::vector<std::uint64_t> graphNodeId; ///< 0: not launched by a graph
};

/// Numbers of the Nsight Systems export (ENUM_CUDA_MEMCPY_OPER), not CUPTI's where they differ.
enum class CopyKind : std::uint8_t { Unknown, HtoD, DtoH, HtoA, AtoH, AtoA, AtoD, DtoA, DtoD, HtoH, PtoP, UvmHtoD, UvmDtoH, UvmDtoD };
/// Numbers of the Nsight Systems export (ENUM_CUDA_MEM_KIND): CUPTI has 0 = unknown, 1 = pageable, ...
enum class MemoryKind : std::uint8_t { Pageable, Pinned, Device, Array, Managed, DeviceStatic, ManagedStatic, Unknown };

[[nodiscard]] std::string_view name(CopyKind kind);   ///< "HtoD"
[[nodiscard]] std::string_view name(MemoryKind kind); ///< "Pageable"

struct MemcpyColumns : EventColumns
{
    std::vector<std::uint64_t> globalPid;
    std::vector<std::uint32_t> device, context, stream, correlation;
    std::vector<std::uint64_t> bytes;
    std::vector<CopyKind> copyKind;
    std::vector<MemoryKind> sourceKind, destinationKind;
};

struct MemsetColumns : EventColumns
{
    std::vector<std::uint64_t> globalPid;
    std::vector<std::uint32_t> device, context, stream, correlation;
    std::vector<std::uint64_t> bytes;
    std::vector<std::uint32_t> value;
    std::vector<MemoryKind> memoryKind;
};

enum class SyncType : std::uint8_t { Unknown, EventSync, StreamWaitEvent, StreamSync, ContextSync };
[[nodiscard]] std::string_view name(SyncType type); ///< "stream sync"

struct SynchronizationColumns : EventColumns
{
    std::vector<std::uint64_t> globalPid;
    std::vector<std::uint32_t> device, context, stream, correlation; ///< stream 0xFFFFFFFF: not of one stream
    std::vector<SyncType> type;
};

struct ApiCallColumns : EventColumns
{
    std::vector<std::uint64_t> globalTid;
    std::vector<std::uint32_t> correlation;
    std::vector<StringId> name;
    std::vector<std::int32_t> returnValue; ///< CUDA error number, 0 = success
    std::vector<bool> isDriver;
};

struct NvtxRangeColumns : EventColumns
{
    std::vector<std::uint64_t> globalTid;
    std::vector<StringId> text, domain; ///< domain none: the default domain
    std::vector<std::uint32_t> category;
    std::vector<std::uint32_t> color;   ///< 0xAARRGGBB, 0: none given
    std::vector<std::optional<std::uint64_t>> payload;
    std::vector<bool> isStartEnd; ///< start/end (may cross threads), else push/pop
    std::vector<bool> isOpen;     ///< never ended: `end` is the end of the trace
};

struct NvtxMarkColumns : EventColumns
{
    std::vector<std::uint64_t> globalTid;
    std::vector<StringId> text, domain;
    std::vector<std::uint32_t> category, color;
    std::vector<std::optional<std::uint64_t>> payload;
};

struct OverheadColumns : EventColumns
{
    std::vector<std::uint64_t> globalTid;
    std::vector<StringId> name;
};

/// One phase of one request, or a part of it outside its phases. Compute phases belong to the batch and appear once for each
/// member (shared, see Execution).
struct PhaseColumns : EventColumns
{
    std::vector<RequestIndex> request;
    std::vector<records::RequestPhase> phase;
};

} // namespace gantry::trace
