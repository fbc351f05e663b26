#pragma once

#include "remote_server/capture/control_protocol.h"
#include "remote_server/node/context_switches.h"
#include "remote_server/node/record_store.h"
#include "trace_model/base/result.h"
#include "trace_model/metrics/series_store.h"
#include "trace_model/records/chunk_format.h"
#include "trace_model/report/window_cost.h"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// What one process contributed to a window.
struct ProcessCapture
{
    int pid = 0;
    std::string executable;
    RecordStore records;
    std::optional<capture::OpenedMessage> opened;
    std::optional<capture::ClosedMessage> closed; ///< absent: the process ended in the window, or did not answer its end
    bool ended = false;                           ///< in the window
    std::array<std::uint64_t, static_cast<std::size_t>(records::LossCounter::Count)> losses{};
    std::uint64_t damagedChunks = 0;                  ///< in the window
    std::uint64_t overBudgetRecords = 0;              ///< records beyond the daemon's memory bound
    std::map<std::uint32_t, std::string> threadNames; ///< from /proc at the window's end, by thread id
    ContextSwitches::Recorded switches;
};

/// Samples of several series that were all taken at the same times, as hardware counters are, by the million.
struct SampleFrames
{
    std::vector<std::uint32_t> seriesIds;
    std::vector<TimestampNs> times; ///< CLOCK_MONOTONIC, inside of the window
    std::vector<double> values;     ///< of each series, for each time
};

/// An instant that the report points at.
struct WindowMark
{
    std::int64_t monotonicNs = 0;
    std::string text;
};

/// A finished window, ready to become a report.
struct WindowCapture
{
    std::vector<ProcessCapture> processes;
    std::vector<metrics::SeriesDefinition> series;
    std::vector<metrics::Sample> samples; ///< CLOCK_MONOTONIC; also some seconds before the window, for its cost
    std::vector<SampleFrames> frames;
    std::uint64_t droppedGpuSamples = 0; ///< of hardware counters: beyond the bound, or while the GPU's buffer was full
    std::uint64_t droppedSamples = 0;    ///< of series beyond their source's bound
    std::map<std::string, std::string> meta;
    std::int64_t openMonotonicNs = 0; ///< time 0 of the report
    std::int64_t closeMonotonicNs = 0;
    std::int64_t openRealtimeNs = 0;
    std::string targetId;      ///< label `target` of its series
    std::string serverTrace;   ///< of the target's Triton server, as its tracer writes it; empty: it was not asked for, or there is none
    int serverPid = 0;         ///< of that server; 0: unknown
    std::uint32_t content = 0; ///< bits of capture::Content
    bool isOfRing = false;     ///< more was recorded than is wanted: what ended before the window is left out
    std::vector<WindowMark> marks;
    // What its cost is measured by (window_cost.h).
    std::int64_t quietFromNs = INT64_MIN;  ///< no window of the target was open from here to openMonotonicNs
    std::int64_t afterFromNs = 0;          ///< everything was flushed; 0: the time after the window is still to come
    std::int64_t quietUntilNs = INT64_MAX; ///< the next window of the target opened here
    std::optional<DurationNs> targetCpu, daemonCpu;
};

/// Metrics of so much time before a window, and after it as far as they are measured when its report is written, are in the report: what
/// led to what is seen in it.
inline constexpr DurationNs kMetricsMargin = 5'000'000'000;

/// Whether a series belongs into the report of a target: the target's own, or the machine's.
[[nodiscard]] bool isOfTarget(const metrics::SeriesDefinition& series, const std::string& targetId);

/// Writes the report of a window: converts every time to ns since the window opened, pairs NVTX ranges, joins requests and
/// batches (trace_model/records/request_phase.h), names kernels and API calls. The cost that it says of the window is the answer. Any
/// thread; blocks for the time of writing. Errors: CannotWrite.
[[nodiscard]] Result<report::WindowCost> assembleReport(const WindowCapture& window, const std::filesystem::path& path);

} // namespace gantry::node
