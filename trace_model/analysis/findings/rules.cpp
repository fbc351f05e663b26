#include "trace_model/analysis/findings/rule.h"

namespace gantry::findings {

std::span<const Rule> rules()
{
    static constexpr Rule kRules[] = {
        {"losses", "Records that are missing", judgeLosses},
        {"too-short", "A capture too short to say", judgeTooShort},
        {"capture-cost", "What the capture itself cost", judgeCaptureCost},

        {"failed-requests", "Requests that failed", judgeFailedRequests},
        {"queue-bound", "Requests that mostly wait in the queue", judgeQueueBound},
        {"batching-absent", "Requests executed one by one while others wait", judgeBatchingAbsent},
        {"batches-not-filling", "Waiting for batches that do not fill", judgeBatchesNotFilling},
        {"idle-instances", "Instances idle while requests wait", judgeIdleInstances, {"batches-not-filling", "batching-absent"}},
        {"first-request", "A first request that is slower: warm-up or cache", judgeFirstRequest},
        {"cache-useless", "A response cache that hardly ever answers", judgeCacheUseless},
        {"cache-harmful", "A response cache that is no faster than computing", judgeCacheHarmful},
        {"cache-hides", "A response cache that hides the computing", judgeCacheHides},
        {"slowest-requests", "The slowest requests, and what sets them apart", judgeSlowestRequests},

        {"pageable-copy", "Copies of pageable memory", judgePageableCopies},
        {"synchronous-copy", "Synchronous copies and memsets", judgeSynchronousCopies},
        {"pcie-bound", "The bus between host and GPU at its limit", judgePcie},
        {"copy-bound", "More copying than computing", judgeCopyBound, {"pcie-bound"}},

        {"shared-stream", "Threads that share one stream", judgeSharedStream},
        {"serial-streams", "Streams that do not overlap", judgeSerialStreams},

        {"launch-bound", "A GPU that waits for launches", judgeLaunchBound},
        {"tiny-kernels", "Tiny kernels that a CUDA graph would merge", judgeTinyKernels, {"launch-bound"}},
        {"cpu-bound", "A GPU that waits for code of the host", judgeCpuBound},
        {"sync-bound", "A GPU that waits because the host waited for it", judgeSyncBound},
        {"stalling-calls", "Allocations and the like in the middle of the work", judgeStallingCalls},
        {"loading", "Code that is loaded or compiled in the middle of the work", judgeLoading, {"first-request"}},
        {"gpu-gaps", "A GPU that is idle, and why", judgeGpuGaps, {"launch-bound", "cpu-bound", "sync-bound"}},

        {"throttling", "Clocks that are held down", judgeThrottling},
        {"clock-drop", "Clocks that drop under load", judgeClockDrop, {"throttling"}},
        {"power-cap", "Power at its limit", judgePowerCap, {"throttling"}},
        {"memory-full", "GPU memory nearly full", judgeMemoryFull},
    };
    return kRules;
}

} // namespace gantry::findings
