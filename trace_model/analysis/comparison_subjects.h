#pragma once

#include "trace_model/analysis/compared_side.h"
#include "trace_model/analysis/row_statistics.h"
#include "trace_model/trace/trace.h"

#include <array>
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
    Phase,     ///< one of a request's, or what lies outside of them
    Batch,     ///< requests of an execution
    Execution, ///< how long one lasts
    Kernel,
    Memcpy,
    ApiCall,
    NvtxRange,
    Gpu,     ///< how busy, how many streams at once
    IdleGap, ///< of a GPU between two pieces of work
    Stream,  ///< how long those of a role are busy for a request
    Metric,
};

/// Stable snake_case name: "throughput", "kernel", "nvtx", …: the first word of expressions that are about it, and in JSON.
[[nodiscard]] std::string_view name(RowKind kind);

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

/// Everything of a side that is compared, but what is matched by name across traces: requests, executions, how busy GPUs are, metrics.
void takeRequests(Subjects& subjects, const ComparedSide& side);
void takeGpus(Subjects& subjects, const ComparedSide& side);
void takeMetrics(Subjects& subjects, const ComparedSide& side);

/// The row of each kernel name of both traces, by their numbers: by what they mean (name_family.h), and as short as tells them apart.
[[nodiscard]] std::array<std::vector<std::string>, 2> kernelRows(const trace::Trace& a, const trace::Trace& b);

/// "DtoH Device to Pageable": the row of a copy.
[[nodiscard]] std::string copyRow(const trace::CopyRoute& route);

/// Kernels, memcpys, API calls and NVTX ranges of both traces. The server's own ranges are left out: they are the phases.
void takeWork(std::array<Subjects, 2>& subjects, const std::array<ComparedSide, 2>& sides,
              const std::array<std::vector<std::string>, 2>& kernels);

} // namespace gantry::analysis
