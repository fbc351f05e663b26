#pragma once

#include "trace_model/analysis/row_statistics.h"
#include "trace_model/trace/trace.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::analysis {

/// What a row of a comparison is about.
enum class RowKind : std::uint8_t
{
    Throughput, ///< completed requests a second
    Latency,
    Phase,      ///< one of a request's, or what lies outside of them
    Batch,      ///< requests of an execution
    Execution,  ///< how long one lasts
    Kernel,
    Memcpy,
    ApiCall,
    NvtxRange,
    Gpu,        ///< how busy, how many streams at once
    IdleGap,    ///< of a GPU between two pieces of work
    Metric,
};

/// Stable snake_case name: "throughput", "kernel", "nvtx", …: the first word of expressions that are about it, and in JSON.
[[nodiscard]] std::string_view name(RowKind kind);

/// How the time of a trace is cut into blocks of one length, so that no block holds more of one report than of the other.
struct BlockLayout
{
    TimestampNs start = 0;
    DurationNs length = 1; ///< of a block
    std::size_t count = 1;

    [[nodiscard]] std::size_t of(TimestampNs time) const
    {
        const TimestampNs at = (time - start) / length;
        return at < 0 ? 0 : std::min(static_cast<std::size_t>(at), count - 1);
    }
};

/// Blocks of the time that was recorded: 32 of the shorter report, and as many of that length as the other has, up to 256.
[[nodiscard]] std::array<BlockLayout, 2> blockLayouts(const trace::Trace& a, const trace::Trace& b);

/// The window that was recorded, or the extent of the events where the file does not say.
[[nodiscard]] TimeRange recordedTime(const trace::Trace& trace);

struct SubjectKey
{
    RowKind kind = RowKind::Latency;
    std::string model; ///< of what belongs to one; empty: of none
    std::string name;
    auto operator<=>(const SubjectKey&) const = default;
};

/// What a trace holds of one thing: values, or sums over weights where there are no single ones.
struct Subject
{
    BlockedValues values;
    BlockSums sums;
    std::string unit; ///< "ns", "req", "1/s", "ratio" or a metric's
};

using Subjects = std::map<SubjectKey, Subject>;

/// Everything of a trace that is compared, but what is matched by name across traces: requests, executions, how busy GPUs are, metrics.
void takeRequests(Subjects& subjects, const trace::Trace& trace, const BlockLayout& blocks);
void takeGpus(Subjects& subjects, const trace::Trace& trace, const BlockLayout& blocks);
void takeMetrics(Subjects& subjects, const trace::Trace& trace, const BlockLayout& blocks);

/// The row of each kernel name of both traces, by their numbers: by what they mean (name_family.h), and as short as tells them apart.
[[nodiscard]] std::array<std::vector<std::string>, 2> kernelRows(const trace::Trace& a, const trace::Trace& b);

/// "DtoH Device to Pageable": the row of a copy.
[[nodiscard]] std::string copyRow(const trace::CopyRoute& route);

/// Kernels, memcpys, API calls and NVTX ranges of both traces. The server's own ranges are left out: they are the phases.
void takeWork(std::array<Subjects, 2>& subjects, const trace::Trace& a, const trace::Trace& b, const std::array<BlockLayout, 2>& blocks,
              const std::array<std::vector<std::string>, 2>& kernels);

} // namespace gantry::analysis
