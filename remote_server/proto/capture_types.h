#pragma once

#include "trace_model/base/time.h"
#include "trace_model/report/window_cost.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What of node_types.h is about captures.
namespace gantry::proto {

/// What records the windows of a capture.
enum class EngineKind
{
    Native, ///< the capture library in the target
    Nsys,
    Kineto,     ///< PyTorch's own profiler
    ServerTrace ///< the tracer of a Triton Inference Server
};

/// What `nsys start` is told for a window.
struct NsysWindowOptions
{
    std::string sample, contextSwitches; ///< "none", "process-tree", "system-wide"; empty: none
    std::string gpuMetricsDevices;       ///< "all", "0,1"; empty: none
    std::uint32_t gpuMetricsHz = 0;      ///< 0: as nsys does by default

    [[nodiscard]] bool operator==(const NsysWindowOptions&) const = default;
};

struct CaptureContent
{
    bool nvtx = true, kernels = true, memcpy = true, runtimeApi = true, driverApi = true;
    bool synchronization = true, overhead = true, metrics = true;
    bool apiQueries = false;        ///< of both APIs: calls that only ask, such as cuCtxGetCurrent
    std::uint32_t gpuMetricsHz = 0; ///< hardware counters, 10 to 200,000; 0: none
    bool memoryAllocations = false;
    bool modules = false;         ///< with JIT compilation and lazy loading
    bool wholeGraphs = false;     ///< instead of the work of each node
    bool contextSwitches = false; ///< when threads run on a processor
};

/// What opens and ends a window besides the clock.
enum class CaptureTrigger
{
    None,
    CudaProfiler,
    NvtxRange
};

/// When a recorder saves by itself.
struct SaveWhen
{
    std::string condition;                                     ///< metrics::MetricCondition; empty: never
    DurationNs forNs = 0;                                      ///< it has to hold so long
    DurationNs lastNs = 5'000'000'000, nextNs = 2'000'000'000; ///< what is saved then
    std::uint32_t atMost = 10;                                 ///< reports
    DurationNs coolDownNs = 30'000'000'000;                    ///< from a save to the next

    friend bool operator==(const SaveWhen&, const SaveWhen&) = default;
};

struct CaptureRequest
{
    std::string targetId;
    DurationNs durationNs = 0;     ///< 0: until stopped
    std::uint64_t maxRequests = 0; ///< 0: no bound
    CaptureContent content;
    std::string label;
    std::string clientName;
    DurationNs delayNs = 0;
    std::int64_t startUtcNs = 0; ///< 0: delayNs counts
    std::uint64_t maxBytes = 0;
    std::uint64_t maxIterations = 0;
    std::string iterationRange; ///< "message@domain"; empty: executions of gantry-serve
    std::uint32_t windowCount = 1;
    DurationNs periodNs = 0; ///< 0: as soon as the last window is closed
    bool mayQueue = false;
    CaptureTrigger trigger = CaptureTrigger::None;
    std::string triggerRange; ///< "message", "message@domain", "message@*"
    std::uint32_t triggerEvery = 1;
    bool drivesProfiler = false;        ///< the target's own profiler is asked to open the window
    std::uint32_t kept = 1, keptOf = 1; ///< of each keptOf periods, or triggerEvery ranges, the first `kept` are captured
    DurationNs awaitNs = 0;             ///< > 0: so long the target's first process is waited for
    bool stopTarget = false;
    DurationNs ringNs = 0; ///< > 0: a ring of the last so many ns
    std::uint64_t ringBytes = 0;
    EngineKind engine = EngineKind::Native;
    NsysWindowOptions nsys;
    bool isPlanOnly = false;     ///< nothing is started: the answer says what would be
    bool hasServerTrace = false; ///< also the requests that the target's Triton server traces itself
    SaveWhen saveWhen;
    std::string session;            ///< of windows on several nodes at one instant: what they have in common; empty: a window alone
    std::uint32_t sessionNodes = 0; ///< how many nodes

    [[nodiscard]] bool isRing() const { return ringNs > 0; }
};

enum class CaptureState
{
    Unknown,
    Arming,
    Capturing,
    Closing,
    Assembling,
    Done,
    Failed,
    Queued,
    Waiting,
    Armed
};

/// A report of what a ring held has been written, or could not be.
struct RingSave
{
    std::uint64_t number = 0;
    std::string reportName; ///< empty: it failed
    std::string error;      ///< ErrorCode name when failed
    std::string message;
};

struct CaptureStatus
{
    std::string captureId, targetId;
    CaptureState state = CaptureState::Unknown;
    std::string holder;
    DurationNs elapsedNs = 0, durationNs = 0;
    std::uint64_t events = 0, bytes = 0, dropped = 0;
    std::string message;
    std::string reportName;
    std::string error; ///< ErrorCode name when failed
    DurationNs openCostNs = 0, closeCostNs = 0;
    bool targetExited = false;
    std::uint32_t windowsBegun = 0, windowCount = 1, windowsSkipped = 0;
    std::vector<std::string> reportNames; ///< of all windows that are done; reportName is the last. Of a ring: `saves`
    DurationNs waitsNs = 0;
    std::string waitsFor;
    DurationNs ringNs = 0, ringHeldNs = 0;
    std::string label;
    std::uint64_t ringOverwritten = 0;
    std::uint32_t processes = 0;
    std::vector<RingSave> saves; ///< of a ring: the last ones that have ended
    std::uint64_t savesBegun = 0;
    std::vector<std::string> commands; ///< of engines that run programs; words quoted as for a shell
    std::string step;                  ///< what an engine does just now
    EngineKind engine = EngineKind::Native;
    report::WindowCost cost;    ///< of the last window that has a report
    bool isCostPending = false; ///< the time after that window is still measured
    std::string costReport;     ///< that report
    std::string saveWhen;       ///< of a recorder that saves by itself: the condition
    std::uint32_t ruleSaves = 0, ruleSavesAtMost = 0;
    std::string saveState; ///< what it waits for, a sentence
    std::int64_t windowBeginUtcNs = 0; ///< of the last window, on the node's CLOCK_REALTIME; 0: none was opened yet

    [[nodiscard]] bool isFinished() const { return state == CaptureState::Done || state == CaptureState::Failed; }
};

/// Lower-case names as in gantryctl's JSON: "capturing".
[[nodiscard]] const char* name(CaptureState state);
/// "gantry", "nsys", "kineto", "triton".
[[nodiscard]] const char* name(EngineKind engine);
/// Nothing: no engine has that name.
[[nodiscard]] std::optional<EngineKind> engineFromName(std::string_view name);

} // namespace gantry::proto
