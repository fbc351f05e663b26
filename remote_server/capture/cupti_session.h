#pragma once

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/control_protocol.h"

#include <cstdint>

namespace gantry::capture {

/// CUPTI in this process: opened by name when the first window wants it, subscribed only while a window is open or cudaProfilerStart
/// is waited for (an idle subscriber makes PyTorch's profiler fail with CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED). One thread at a
/// time (the control channel's mutex), except for the two buffer callbacks inside, which run on the application's threads and only move
/// buffers.
class CuptiSession
{
public:
    struct Opened
    {
        OpenOutcome outcome = OpenOutcome::NvtxOnly;
        std::uint32_t cuptiVersion = 0;
        char detail[192] = {};
    };

    /// What the application's calls of cudaProfilerStart and cudaProfilerStop do, on their thread.
    struct ProfilerCalls
    {
        void (*started)();
        void (*stopping)();
    };

    /// Waits for the application's calls; open() and close() may come and go meanwhile.
    Opened watchProfilerCalls(CaptureState& state, ProfilerCalls calls);
    void ignoreProfilerCalls();

    /// Starts recording `content` into window `windowId`. `isBeforeContexts`: the process has not begun to use CUDA, which whole graphs
    /// need; else they are recorded by their nodes, and `detail` says so.
    Opened open(CaptureState& state, std::uint32_t windowId, std::uint32_t content, bool isBeforeContexts = false);

    /// Copies buffers that CUPTI has handed back into the region, and now and then asks for those that are not full: a process that is
    /// killed takes with it what CUPTI still holds.
    void pump();

    /// Ends recording, flushes, copies the rest, gives the subscriber back and leaves CUPTI's settings as open() found them: another
    /// profiler of the process may be next.
    void close();

    [[nodiscard]] bool isOpen() const { return m_windowId != 0; }

private:
    bool prepare(CaptureState& state, Opened& result);
    bool subscribe(Opened& result);
    void unsubscribe();
    void readBuffers();

    CaptureState* m_state = nullptr;
    std::uint32_t m_windowId = 0;
    std::uint32_t m_content = 0;
    std::int64_t m_lastFlushNs = 0;
    void* m_subscriber = nullptr;
    bool m_isSubscribed = false;  ///< handles may be null
    bool m_isWatching = false;    ///< cudaProfilerStart
    int m_threadIdTypeBefore = 0; ///< CUpti_ActivityThreadIdType
};

} // namespace gantry::capture
