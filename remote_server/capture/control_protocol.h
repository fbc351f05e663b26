#pragma once

#include "trace_model/records/chunk_format.h"

#include <cstddef>
#include <cstdint>

/// Messages between the capture library and the daemon over an AF_UNIX SOCK_SEQPACKET socket: one struct per packet, each
/// beginning with its type. The library connects, sends Hello with the memfd of its region, and then answers commands.
/// Needs libc alone: compiled into injected code.
namespace gantry::capture {

inline constexpr std::uint32_t kControlVersion = 5;

/// Environment of a target: where the daemon listens, and which launched target the process belongs to.
inline constexpr char kSocketVariable[] = "GANTRY_CAPTURE_SOCKET";
inline constexpr char kTargetVariable[] = "GANTRY_TARGET_ID";

enum class MessageType : std::uint32_t
{
    Hello = 1,  ///< library → daemon, with the memfd attached
    Opened,     ///< library → daemon: answer to Open
    Closed,     ///< library → daemon: answer to Close, or the window's time is over
    CudaLoaded, ///< library → daemon: cuInit ran in the process
    Armed,      ///< library → daemon: answer to Open with a trigger; Opened and Closed follow for each window
    Open = 100, ///< daemon → library: a window now, or the windows that a trigger will open
    Close,      ///< daemon → library: the window is over, and so is waiting for a trigger
    Welcome,    ///< daemon → library: answer to Hello where no window is to be opened
};

/// What opens and closes a window from within the process.
enum class Trigger : std::uint32_t
{
    None,         ///< the daemon
    CudaProfiler, ///< cudaProfilerStart and cudaProfilerStop
    NvtxRange,    ///< a range named triggerMessage in triggerDomain
};

/// Bits of OpenMessage::content.
enum Content : std::uint32_t
{
    ContentNvtx = 1u << 0,
    ContentKernels = 1u << 1,
    ContentMemcpy = 1u << 2,
    ContentRuntimeApi = 1u << 3,
    ContentDriverApi = 1u << 4,
    ContentSynchronization = 1u << 5,
    ContentOverhead = 1u << 6,
    ContentApiQueries = 1u << 7, ///< of both APIs: functions that only ask, such as cuCtxGetCurrent
    ContentMemoryAllocations = 1u << 16,
    ContentModules = 1u << 17,     ///< loaded and unloaded, with JIT compilation and lazy loading
    ContentWholeGraphs = 1u << 18, ///< launches of CUDA graphs, not the work of each node
};

/// How opening went, per process.
enum class OpenOutcome : std::uint32_t
{
    Capturing,  ///< NVTX and CUDA
    NvtxOnly,   ///< the process has not loaded CUDA
    CudaBusy,   ///< another CUPTI client holds the process; NVTX is captured, `detail` names it
    CudaFailed, ///< CUPTI cannot be used here; NVTX is captured, `detail` says why
};

struct HelloMessage
{
    MessageType type;
    std::uint32_t version;
    std::int32_t pid; ///< as the process sees itself
    std::uint32_t cudaLoaded;
    std::uint32_t lastWindowId; ///< that the process had open, from a daemon before this one perhaps; 0: none
    char targetId[64];
    char executable[256];
};

struct OpenMessage
{
    MessageType type;
    std::uint32_t windowId; ///< never 0, larger than any before; of a trigger: of its first window, the next ones count up
    std::uint32_t content;
    Trigger trigger;
    std::int64_t durationNs;    ///< the library closes the window by itself after this, even if the daemon is gone; 0: no bound
    std::uint32_t windowCount;  ///< of a trigger: it does nothing after so many
    std::uint32_t triggerEvery; ///< of each so many ranges …
    std::uint32_t triggerKept;  ///< … the first so many open a window each; 0: one
    std::uint32_t isFollowed;   ///< 1: another window follows in a few seconds, and is to open fast
    char triggerMessage[128];
    char triggerDomain[64]; ///< "": the default domain, "*": any
};

/// triggerDomain of any domain.
inline constexpr char kAnyDomain[] = "*";

struct OpenedMessage
{
    MessageType type;
    std::uint32_t windowId;
    OpenOutcome outcome;
    std::uint32_t cuptiVersion;
    std::int64_t openMonotonicNs;
    std::int64_t openRealtimeNs;
    std::int64_t costNs; ///< from receiving the command to recording
    char detail[192];
};

struct ArmedMessage
{
    MessageType type;
    std::uint32_t windowId;
    OpenOutcome outcome; ///< NvtxOnly: not yet, the process has not loaded CUDA
    std::uint32_t reserved;
    char detail[192];
};

struct CloseMessage
{
    MessageType type;
    std::uint32_t windowId; ///< 0: whichever is open
    std::uint32_t disarms;  ///< 1: no trigger opens a window any more
    std::uint32_t reserved;
};

struct ClosedMessage
{
    MessageType type;
    std::uint32_t windowId;
    std::int64_t closeMonotonicNs; ///< recording ended here
    std::int64_t costNs;           ///< until everything was flushed
    std::uint64_t
        losses[static_cast<std::size_t>(records::LossCounter::Count)]; ///< of the window; those of the region may be the next one's
};

struct WelcomeMessage
{
    MessageType type;
    std::uint32_t reserved;
};

struct CudaLoadedMessage
{
    MessageType type;
    std::uint32_t windowId; ///< that is open and records CUDA from here on, or would if it could; 0: none
    OpenOutcome outcome;
    std::uint32_t cuptiVersion;
    char detail[192];
};

inline constexpr std::uint32_t kMaxMessageSize = 512;

} // namespace gantry::capture
