#pragma once

#include "trace_model/base/strong_id.h"
#include "trace_model/base/time.h"
#include "trace_model/records/request_phase.h"
#include "trace_model/trace/column.h"
#include "trace_model/trace/dictionary.h"
#include "trace_model/trace/event_kinds.h"
#include "trace_model/trace/string_table.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

namespace gantry::trace {

/// A column of what few events have: takes no room while all values are zero.
template <typename T>
struct SparseColumn
{
    Column<T> values;

    void add(std::size_t row, const T& value)
    {
        if (values.empty() && value == T{})
            return;
        if (values.size() < row)
            values.resize(row);
        values.push_back(value);
    }
    [[nodiscard]] T operator[](std::size_t row) const { return row < values.size() ? values[row] : T{}; }
};

/// A column of numbers and the dictionary they are numbers of, as one member of a set of columns.
template <typename Column, typename Values>
struct Coded
{
    Column numbers;
    Values values;
};
template <typename Column, typename Values>
Coded(Column, Values) -> Coded<Column, Values>;

// A set of columns are parallel arrays, one entry per event: sorted by start, of equal starts the later end first. Times: ns since
// the session start. Its members() lists the columns besides the times, for what is done to all of them alike.

struct EventColumns
{
    /// Rows of which latestEnds has one entry.
    static constexpr std::size_t kBlockRows = 1024;
    static constexpr std::uint32_t kLong = 0x80000000u;

    Column<TimestampNs> start;
    Column<std::uint32_t> shortDuration; ///< ns; from kLong on: kLong + index into longDurations
    Column<DurationNs> longDurations;    ///< those of 2^31 ns and more
    Column<TimestampNs> latestEnds;      ///< of each block of rows, the latest end in it

    [[nodiscard]] std::size_t size() const { return start.size(); }
    [[nodiscard]] DurationNs duration(std::size_t row) const
    {
        const std::uint32_t value = shortDuration[row];
        return value < kLong ? value : value - kLong < longDurations.size() ? longDurations[value - kLong] : 0;
    }
    [[nodiscard]] TimestampNs end(std::size_t row) const { return start[row] + duration(row); } ///< == start for instants
    [[nodiscard]] TimeRange time(std::size_t row) const { return {start[row], end(row)}; }

    void addTimes(TimestampNs from, TimestampNs to);
    void setEnd(std::size_t row, TimestampNs to);
    static constexpr auto members() { return std::tuple(); }

private:
    [[nodiscard]] std::uint32_t coded(DurationNs duration);
};

/// Where on a GPU something ran.
struct GpuPlace
{
    std::uint64_t globalPid = 0;
    std::uint32_t device = 0, context = 0, stream = 0;
    std::uint32_t reserved = 0;
    constexpr auto operator<=>(const GpuPlace&) const = default;
};

struct GpuEventColumns : EventColumns
{
    Column<std::uint32_t> correlation, placeNumber;
    Dictionary<GpuPlace> places;

    [[nodiscard]] const GpuPlace& place(std::size_t row) const { return places[placeNumber[row]]; }
    [[nodiscard]] std::uint64_t globalPid(std::size_t row) const { return place(row).globalPid; }
    [[nodiscard]] std::uint32_t device(std::size_t row) const { return place(row).device; }
    [[nodiscard]] std::uint32_t context(std::size_t row) const { return place(row).context; }
    [[nodiscard]] std::uint32_t stream(std::size_t row) const { return place(row).stream; } ///< 0xFFFFFFFF: not of one stream
    static constexpr auto members()
    {
        return std::tuple(&GpuEventColumns::correlation, Coded{&GpuEventColumns::placeNumber, &GpuEventColumns::places});
    }
};

struct KernelName
{
    StringId shortName, demangledName;
};

struct LaunchShape
{
    std::array<std::uint32_t, 3> grid{}, block{};
    std::uint32_t registersPerThread = 0, staticSharedMemory = 0, dynamicSharedMemory = 0; ///< count, bytes, bytes
};

struct KernelColumns : GpuEventColumns
{
    Column<std::uint32_t> nameNumber, shapeNumber;
    Dictionary<KernelName> names;
    Dictionary<LaunchShape> shapes;
    SparseColumn<std::uint64_t> graphNode; ///< 0: not launched by a graph

    [[nodiscard]] StringId shortName(std::size_t row) const { return names[nameNumber[row]].shortName; }
    [[nodiscard]] StringId demangledName(std::size_t row) const { return names[nameNumber[row]].demangledName; }
    [[nodiscard]] const LaunchShape& shape(std::size_t row) const { return shapes[shapeNumber[row]]; }
    static constexpr auto members()
    {
        return std::tuple_cat(GpuEventColumns::members(),
                              std::tuple(Coded{&KernelColumns::nameNumber, &KernelColumns::names},
                                         Coded{&KernelColumns::shapeNumber, &KernelColumns::shapes}, &KernelColumns::graphNode));
    }
};

struct MemcpyColumns : GpuEventColumns
{
    Column<std::uint64_t> bytes;
    Column<CopyRoute> route;

    [[nodiscard]] CopyKind copyKind(std::size_t row) const { return route[row].kind; }
    static constexpr auto members()
    {
        return std::tuple_cat(GpuEventColumns::members(), std::tuple(&MemcpyColumns::bytes, &MemcpyColumns::route));
    }
};

struct MemsetColumns : GpuEventColumns
{
    Column<std::uint64_t> bytes;
    Column<std::uint32_t> value;
    Column<MemoryKind> memoryKind;
    static constexpr auto members()
    {
        return std::tuple_cat(GpuEventColumns::members(),
                              std::tuple(&MemsetColumns::bytes, &MemsetColumns::value, &MemsetColumns::memoryKind));
    }
};

struct SynchronizationColumns : GpuEventColumns
{
    Column<SyncType> type;
    static constexpr auto members() { return std::tuple_cat(GpuEventColumns::members(), std::tuple(&SynchronizationColumns::type)); }
};

struct GraphLaunchColumns : GpuEventColumns
{
    Column<std::uint32_t> graph;
    static constexpr auto members() { return std::tuple_cat(GpuEventColumns::members(), std::tuple(&GraphLaunchColumns::graph)); }
};

struct GpuRangeColumns : GpuEventColumns
{
    Column<StringId> text;
    SparseColumn<std::uint32_t> source; ///< row + 1 of the NVTX range that projectNvtx() made it of; 0: the file has it

    /// It says again what an NVTX range says: drawn, and exported for viewers that do not project, but neither searched for, nor counted,
    /// nor listed with the others.
    [[nodiscard]] bool isProjected(std::size_t row) const { return source[row] != 0; }

    static constexpr auto members()
    {
        return std::tuple_cat(GpuEventColumns::members(), std::tuple(&GpuRangeColumns::text, &GpuRangeColumns::source));
    }
};

struct ThreadEventColumns : EventColumns
{
    Column<std::uint32_t> threadNumber;
    Dictionary<std::uint64_t> threads;

    [[nodiscard]] std::uint64_t globalTid(std::size_t row) const { return threads[threadNumber[row]]; }
    static constexpr auto members() { return std::tuple(Coded{&ThreadEventColumns::threadNumber, &ThreadEventColumns::threads}); }
};

/// What a call called, and what came of it.
struct Callee
{
    StringId name;
    std::int32_t returnValue = 0; ///< CUDA error number, 0 = success
    std::uint32_t isDriver = 0;   ///< 1: of the driver API
};

struct CallColumns : ThreadEventColumns
{
    Column<std::uint32_t> calleeNumber;
    Dictionary<Callee> callees;
    SparseColumn<std::uint32_t> correlation; ///< 0: launched nothing

    [[nodiscard]] const Callee& callee(std::size_t row) const { return callees[calleeNumber[row]]; }
    [[nodiscard]] StringId name(std::size_t row) const { return callee(row).name; }
    [[nodiscard]] bool isDriver(std::size_t row) const { return callee(row).isDriver != 0; }
    static constexpr auto members()
    {
        return std::tuple_cat(ThreadEventColumns::members(),
                              std::tuple(Coded{&CallColumns::calleeNumber, &CallColumns::callees}, &CallColumns::correlation));
    }
};

/// What ranges and marks of the same look share.
struct NvtxLabel
{
    StringId text, domain; ///< domain none: the default domain
    std::uint32_t category = 0;
    std::uint32_t color = 0;     ///< 0xAARRGGBB, 0: none given
    std::uint8_t isStartEnd = 0; ///< start/end (may cross threads), else push/pop
    std::uint8_t isOpen = 0;     ///< never ended: the end is that of the trace
    std::uint8_t hasPayload = 0;
    std::uint8_t isPayloadText = 0; ///< the payload is a text (JSON), else a number
};

struct NvtxColumns : ThreadEventColumns
{
    Column<std::uint32_t> labelNumber;
    Dictionary<NvtxLabel> labels;
    SparseColumn<std::uint64_t> payloadValue; ///< a number, or the number of a text

    [[nodiscard]] const NvtxLabel& label(std::size_t row) const { return labels[labelNumber[row]]; }
    [[nodiscard]] StringId text(std::size_t row) const { return label(row).text; }
    [[nodiscard]] StringId domain(std::size_t row) const { return label(row).domain; }
    [[nodiscard]] bool isStartEnd(std::size_t row) const { return label(row).isStartEnd != 0; }
    [[nodiscard]] bool isOpen(std::size_t row) const { return label(row).isOpen != 0; }
    [[nodiscard]] std::optional<std::uint64_t> payload(std::size_t row) const
    {
        return label(row).hasPayload && !label(row).isPayloadText ? std::optional(payloadValue[row]) : std::nullopt;
    }
    /// JSON; absent: there is none, or it is a number.
    [[nodiscard]] std::optional<StringId> payloadText(std::size_t row) const
    {
        const NvtxLabel& l = label(row);
        return l.hasPayload && l.isPayloadText ? std::optional(StringId(static_cast<std::uint32_t>(payloadValue[row]))) : std::nullopt;
    }
    static constexpr auto members()
    {
        return std::tuple_cat(ThreadEventColumns::members(),
                              std::tuple(Coded{&NvtxColumns::labelNumber, &NvtxColumns::labels}, &NvtxColumns::payloadValue));
    }
};

struct OverheadColumns : ThreadEventColumns
{
    Column<StringId> name;
    static constexpr auto members() { return std::tuple_cat(ThreadEventColumns::members(), std::tuple(&OverheadColumns::name)); }
};

/// One phase of one request, or a part of it outside its phases. Compute phases belong to the batch and appear once for each
/// member (shared, see Execution).
struct PhaseColumns : EventColumns
{
    Column<RequestIndex> request;
    Column<records::RequestPhase> phase;
    static constexpr auto members() { return std::tuple(&PhaseColumns::request, &PhaseColumns::phase); }
};

} // namespace gantry::trace
