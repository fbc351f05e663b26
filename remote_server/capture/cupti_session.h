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

    struct Window
    {
        std::uint32_t id = 0, content = 0; ///< bits of Content
        bool isBeforeContexts = false;     ///< the process has not begun to use CUDA
        bool isFollowed = false;           ///< another one comes soon, for which CUPTI stays in the process
    };

    /// Starts recording. Whole graphs need a window that opens before CUDA is used; else they are recorded by their nodes, and `detail`
    /// says so.
    Opened open(CaptureState& state, const Window& window);

    /// Copies buffers that CUPTI has handed back into the region, and now and then asks for those that are not full: a process that is
    /// killed takes with it what CUPTI still holds.
    void pump();

    /// Ends recording, flushes, copies the rest, gives the subscriber back and leaves CUPTI's settings as open() found them: another
    /// profiler of the process may be next.
    void close();

    /// Takes CUPTI out of the process, as the application's next call of CUDA returns: to be called now and then while no window is open.
    /// As long as it is in there each launch of a kernel takes about 0.5 µs longer, though nothing is recorded (CUDA 13.0 on an H200: 15 %
    /// of 300,000 launches a second, 20 % of PyTorch's BERT). It stays for good once CUDA graphs have met a window: their next launch
    /// failed (cudaErrorLaunchFailure, same place).
    void leave();
    [[nodiscard]] bool isLeaving() const { return m_isLeaving; }
    [[nodiscard]] bool isAttached() const { return m_isAttached; }
    /// Before a window opens and before the process exits: CUPTI stays.
    void stay();

    [[nodiscard]] bool isOpen() const { return m_windowId != 0; }

private:
    bool prepare(CaptureState& state, Opened& result);
    bool subscribe(Opened& result);
    void unsubscribe();
    void giveBack();
    [[nodiscard]] bool canLeave() const;
    void askToLeave();
    void readBuffers();
    void takeLastBuffers();

    CaptureState* m_state = nullptr;
    std::uint32_t m_windowId = 0;
    std::uint32_t m_content = 0;
    std::int64_t m_lastFlushNs = 0;
    void* m_subscriber = nullptr;
    bool m_isSubscribed = false;  ///< handles may be null
    bool m_isWatching = false;    ///< cudaProfilerStart
    bool m_isAttached = false;    ///< subscribed to since CUPTI was last taken out
    bool m_isLeaving = false;     ///< the application's next call takes it out; subscribed meanwhile
    bool m_isFollowed = false;
    int m_buffersTaken = 0;        ///< that have not come back from earlier windows
    std::int64_t m_leaveDueNs = 0; ///< not before; while it is leaving: not later
    std::int64_t m_leaveAgainAfterNs = 0;
    int m_threadIdTypeBefore = 0; ///< CUpti_ActivityThreadIdType
};

/// In a child after fork, before anything else of CUPTI.
void forgetCuptiOfParent();

} // namespace gantry::capture
