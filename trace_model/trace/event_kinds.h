#pragma once

#include "trace_model/base/strong_id.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gantry::trace {

using TrackId = StrongId<struct TrackTag>;         ///< index into Trace::tracks
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
    Phase,       ///< one phase of one request, or a part of it outside its phases
    GraphLaunch, ///< a CUDA graph recorded as a whole
    GpuRange,    ///< a range projected onto a stream
    LibraryCall, ///< cuBLAS, cuDNN, ...
    OsCall,      ///< libc and system calls
};

inline constexpr int kEventKindCount = 13;

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

/// The most events of a kind that an EventId can number.
inline constexpr std::size_t kMostRows = std::size_t{1} << 28;

/// Numbers of the Nsight Systems export (ENUM_CUDA_MEMCPY_OPER), not CUPTI's where they differ.
enum class CopyKind : std::uint8_t { Unknown, HtoD, DtoH, HtoA, AtoH, AtoA, AtoD, DtoA, DtoD, HtoH, PtoP, UvmHtoD, UvmDtoH, UvmDtoD };
/// Whether the driver moved pages of unified memory, which no call asked for.
[[nodiscard]] constexpr bool isUnifiedMemory(CopyKind kind)
{
    return kind >= CopyKind::UvmHtoD;
}
/// Numbers of the Nsight Systems export (ENUM_CUDA_MEM_KIND): CUPTI has 0 = unknown, 1 = pageable, ...
enum class MemoryKind : std::uint8_t { Pageable, Pinned, Device, Array, Managed, DeviceStatic, ManagedStatic, Unknown };

[[nodiscard]] std::string_view name(CopyKind kind);   ///< "HtoD"
[[nodiscard]] std::string_view name(MemoryKind kind); ///< "Pageable"

/// The value of that number, or `otherwise` for one that the enumeration does not have.
template <typename Enum>
[[nodiscard]] constexpr Enum bounded(std::int64_t value, Enum last, Enum otherwise)
{
    return value >= 0 && value <= static_cast<std::int64_t>(last) ? static_cast<Enum>(value) : otherwise;
}

/// What a memcpy copies from where to where.
struct CopyRoute
{
    CopyKind kind = CopyKind::Unknown;
    MemoryKind source = MemoryKind::Unknown, destination = MemoryKind::Unknown;
    constexpr auto operator<=>(const CopyRoute&) const = default;
    /// The host's kind of memory, which is what matters: pageable copies go through a staging buffer. Unknown for a copy between devices.
    [[nodiscard]] constexpr MemoryKind hostMemory() const
    {
        return kind == CopyKind::DtoH ? destination : kind == CopyKind::HtoD ? source : MemoryKind::Unknown;
    }
    /// The same for all routes of one direction and one kind of host memory.
    [[nodiscard]] constexpr CopyRoute ofHost() const
    {
        return {kind, kind == CopyKind::HtoD ? source : MemoryKind::Unknown, kind == CopyKind::DtoH ? destination : MemoryKind::Unknown};
    }
};

enum class SyncType : std::uint8_t { Unknown, EventSync, StreamWaitEvent, StreamSync, ContextSync };
[[nodiscard]] std::string_view name(SyncType type); ///< "stream sync"

} // namespace gantry::trace
