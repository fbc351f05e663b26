#pragma once

#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/report/window_cost.h"
#include "trace_model/trace/trace.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// What a report says in ten lines, as values. Any thread.
struct ReportSummary
{
    std::string title, producer, hostName;
    DurationNs duration = 0;
    analysis::RequestBreakdown requests; ///< of all models together
    std::string model;                   ///< the one that took most time; empty when there is one model or none
    analysis::RequestBreakdown ofModel;  ///< latency and phases: models differ too much to be mixed
    std::size_t kernels = 0, memcpys = 0, memsets = 0, synchronizations = 0, apiCalls = 0, nvtxRanges = 0;
    std::size_t graphLaunches = 0; ///< of CUDA graphs that were recorded as a whole
    std::size_t gpus = 0, streams = 0, counters = 0, tables = 0;
    std::size_t rangeProcesses = 0;        ///< with NVTX ranges; 0: the file does not tell processes
    bool areRangesNvtx = true;             ///< and not what another tool calls operators, spans, ...
    bool isCapture = false;                ///< of Gantry's own: window, costs and losses are its to tell
    bool hasTimes = false;                 ///< false: nothing but tables
    DurationNs kernelTime = 0;             ///< sum of kernel durations; streams overlap, so it may exceed `duration`
    report::WindowCost cost;               ///< of its window
    std::optional<bool> isWindowCostClear; ///< the load was large and even enough for the ratio to say anything; absent: not measured
    std::optional<DurationNs> openCost, closeCost;
    Losses losses;
    bool targetExited = false;
    bool complete = true;
    std::vector<std::string> whyIncomplete;

    /// Events that did not make it, of all kinds that matter; absent: nobody counted.
    [[nodiscard]] std::optional<std::uint64_t> dropped() const
    {
        return losses.empty() ? std::nullopt : std::optional(droppedTotal(losses));
    }
};

/// How many processes there are, as far as the file tells them: numbers that a reader made up, and rows that a file has for its GPUs, are
/// none.
[[nodiscard]] std::size_t processCount(const trace::Trace& trace);

[[nodiscard]] ReportSummary summarise(const trace::Trace& trace);

/// The summary as about ten lines of text, each ended by a newline: requests, latency and phases with p50 and p99, GPU work,
/// NVTX, drops, window cost. What does not occur in the report has no line; what was not measured says so.
[[nodiscard]] std::string text(const ReportSummary& summary);

} // namespace gantry::cli
