#pragma once

#include "trace_model/base/time.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Where pids and tids are texts, or larger than a system gives out (proc(5), pid_max), a reader makes up numbers from here on: they say
/// nothing to people.
inline constexpr std::uint32_t kFirstMadeUpId = 0x800000;

/// A GPU as the file describes it.
struct GpuInfo
{
    std::uint32_t device = 0; ///< CUDA ordinal
    std::string name;
    std::string uuid;
    std::uint32_t file = 0;   ///< of several that make a trace, the one that it is in
};

/// What a file says about its recording.
struct TraceMeta
{
    std::string format;              ///< stable word: "gantry", "nsys-sqlite", "chrome-trace", "triton-trace", "perf-analyzer", "iteration-log"
    std::string producer;            ///< "Gantry 0.1.0", "NVIDIA Nsight Systems 2025.1.1.110"
    std::string title;               ///< file name, or the report's label
    std::string hostName;
    std::string targetName;          ///< the server that was captured; empty: unknown
    std::int64_t sessionUtcNs = 0;   ///< wall clock of time 0; 0: unknown
    bool isUtcOfUnknownZone = false; ///< sessionUtcNs is local time read as UTC: good to show, not to align by
    std::int64_t sessionMonotonicNs = 0; ///< CLOCK_MONOTONIC of time 0; 0: unknown
    std::vector<GpuInfo> gpus;
    std::map<std::string, std::string> settings; ///< everything that has no member here (META_DATA_*), name → value
    std::vector<std::string> warnings;           ///< what was repaired or is not shown, one sentence each
    bool targetExited = false;       ///< the target process ended inside the window
    bool isPreview = false;          ///< a sample of the file's events, shown until all are read
    bool complete = true;            ///< nothing is missing that was recorded
    std::vector<std::string> whyIncomplete; ///< when not: parts of sentences, "the file is truncated"
    std::optional<DurationNs> clockErrorNs; ///< residual of the clock fit; absent: unknown
    std::optional<double> windowCostRatio;  ///< req/s in the window over req/s before it, minus 1; absent: not measured
    std::optional<double> windowCostError;  ///< standard deviation of windowCostRatio: what a window without cost would show; absent: unknown
    std::optional<DurationNs> openCost;     ///< from the command to recording, slowest process; absent: unknown
    std::optional<DurationNs> closeCost;    ///< from the window's end to everything flushed; absent: unknown

    /// Something is missing. Each reason is kept once.
    void spoil(std::string_view why)
    {
        complete = false;
        if (std::find(whyIncomplete.begin(), whyIncomplete.end(), why) == whyIncomplete.end())
            whyIncomplete.emplace_back(why);
    }
    /// Whether the load was large and even enough for windowCostRatio to say anything.
    [[nodiscard]] bool isWindowCostClear() const { return windowCostRatio && windowCostError.value_or(0) <= 0.1; }
};

/// A table of a file that has no times (a load generator's summary): shown as it is.
struct SummaryTable
{
    std::string name;
    std::vector<std::string> columns; ///< with their units: "p99 latency (µs)"
    std::vector<std::vector<std::string>> rows; ///< as many cells as columns; an absent value is empty
};

} // namespace gantry::importing
