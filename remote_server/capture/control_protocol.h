#pragma once

#include <cstdint>

/// Messages between the capture library and the daemon over an AF_UNIX SOCK_SEQPACKET socket: one struct per packet, each
/// beginning with its type. The library connects, sends Hello with the memfd of its region, and then answers commands.
/// Needs libc alone: compiled into injected code.
namespace gantry::capture {

inline constexpr std::uint32_t kControlVersion = 1;

/// Environment of a target: where the daemon listens, and which launched target the process belongs to.
inline constexpr char kSocketVariable[] = "GANTRY_CAPTURE_SOCKET";
inline constexpr char kTargetVariable[] = "GANTRY_TARGET_ID";

enum class MessageType : std::uint32_t
{
    Hello = 1,   ///< library → daemon, with the memfd attached
    Opened,      ///< library → daemon: answer to Open
    Closed,      ///< library → daemon: answer to Close, or the window's time is over
    CudaLoaded,  ///< library → daemon: cuInit ran in the process
    Open = 100,  ///< daemon → library
    Close,       ///< daemon → library
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
};

/// How opening went, per process.
enum class OpenOutcome : std::uint32_t
{
    Capturing,      ///< NVTX and CUDA
    NvtxOnly,       ///< the process has not loaded CUDA
    CudaBusy,       ///< another CUPTI client holds the process; NVTX is captured, `detail` names it
    CudaFailed,     ///< CUPTI cannot be used here; NVTX is captured, `detail` says why
};

struct HelloMessage
{
    MessageType type;
    std::uint32_t version;
    std::int32_t pid; ///< as the process sees itself
    std::uint32_t cudaLoaded;
    char targetId[64];
    char executable[256];
};

struct OpenMessage
{
    MessageType type;
    std::uint32_t windowId; ///< never 0, never used twice for a process
    std::uint32_t content;
    std::uint32_t reserved;
    std::int64_t durationNs; ///< the library closes the window by itself after this, even if the daemon is gone
};

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

struct CloseMessage
{
    MessageType type;
    std::uint32_t windowId;
};

struct ClosedMessage
{
    MessageType type;
    std::uint32_t windowId;
    std::int64_t closeMonotonicNs; ///< recording ended here
    std::int64_t costNs;           ///< until everything was flushed
};

struct CudaLoadedMessage
{
    MessageType type;
    std::uint32_t reserved;
};

inline constexpr std::uint32_t kMaxMessageSize = 512;

} // namespace gantry::capture
