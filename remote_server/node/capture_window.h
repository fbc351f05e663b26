#pragma once

#include "remote_server/node/capture_link.h"
#include "remote_server/node/context_switches.h"
#include "remote_server/node/range_counter.h"
#include "remote_server/node/report_assembler.h"
#include "remote_server/proto/node_types.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// What a library is to record, as its bits.
[[nodiscard]] std::uint32_t contentBits(const proto::CaptureContent& content);

/// A window from the command that opens it until the last of its processes has closed it: what the processes have written so far.
/// One thread at a time (the engine's mutex is held).
class CaptureWindow
{
public:
    struct Member
    {
        CaptureLink* link = nullptr; ///< null: the process has ended
        ProcessCapture capture;
        std::optional<RangeCounter> requests, iterations; ///< where the window ends after so many
        std::uint64_t damagedBefore = 0;                  ///< chunks, of earlier windows
        bool isAskedToClose = false;

        [[nodiscard]] bool isRecording() const { return link && !capture.closed; }
    };

    CaptureWindow(std::uint32_t id, std::string captureId, const proto::CaptureRequest& request, std::int64_t nowNs);

    /// What tells a process to record until the window's end, after which it closes it by itself even if this daemon is gone by then.
    [[nodiscard]] capture::OpenMessage openMessage(std::int64_t nowNs) const;

    /// A process takes part; it has been told, or has told us.
    Member& add(CaptureLink& link);
    [[nodiscard]] Member* find(const CaptureLink& link);
    [[nodiscard]] std::vector<Member>& members() { return m_members; }
    [[nodiscard]] std::vector<int> pids() const;

    /// Takes what the processes have written since, up to `budget` bytes held by all windows; what does not fit is counted.
    void drain(Member& member, std::size_t budget, std::int64_t nowNs);
    /// Of a ring: gives up what is older than was asked for, and what is beyond its bound, the oldest first.
    void trimRing(std::int64_t nowNs);
    void takeOpened(Member& member, const capture::OpenedMessage& message);
    /// The process has loaded CUDA inside of the window.
    void takeCuda(const CaptureLink& link, const capture::CudaLoadedMessage& message);
    void takeClosed(Member& member, const capture::ClosedMessage& message, std::size_t budget, std::int64_t nowNs);
    /// The process is gone; what it has written is kept.
    void takeEnd(Member& member, std::size_t budget, std::int64_t nowNs);

    /// Why the window is over by its own bounds.
    [[nodiscard]] bool hasReachedBound(std::int64_t nowNs) const;
    [[nodiscard]] bool isOpenedByAll() const;
    [[nodiscard]] bool isClosedByAll() const;
    [[nodiscard]] bool hasAnswered() const; ///< a process has closed it by itself
    [[nodiscard]] bool hasRecorded() const;
    [[nodiscard]] bool isUnanswered() const;
    [[nodiscard]] bool hasLostProcess() const;
    [[nodiscard]] std::size_t bytes() const;

    /// From the first process that records. Once.
    void markOpened(std::int64_t nowNs);
    [[nodiscard]] bool isOpened() const { return m_openedNs != 0; }
    [[nodiscard]] std::int64_t elapsedNs(std::int64_t nowNs) const;
    /// Of a ring: how far it reaches back.
    [[nodiscard]] std::int64_t heldNs(std::int64_t nowNs) const;

    /// Brings the numbers of the window into a status.
    void describe(proto::CaptureStatus& status, std::int64_t nowNs) const;

    /// All that was recorded, for a report. The window is empty afterwards.
    [[nodiscard]] WindowCapture finish(std::int64_t nowNs);
    /// Of a ring: its last `lastNs` (0: all it holds); recording goes on.
    [[nodiscard]] WindowCapture snapshot(DurationNs lastNs, std::int64_t nowNs);

    const std::uint32_t id;
    const std::string captureId;
    const proto::CaptureRequest request;
    const std::int64_t startedNs; ///< command given, CLOCK_MONOTONIC
    bool isFollowed = false;      ///< by another window of the capture, soon
    std::int64_t closingNs = 0;   ///< close sent; 0: still open
    bool isTriggered = false;     ///< by the program: one process opens and closes it, its siblings follow
    std::string message;          ///< what a process said that the user should know

private:
    void takeLosses(Member& member);
    /// From the command to the process recording, or from the one that ends the window to the process having flushed.
    [[nodiscard]] DurationNs openCost(const capture::OpenedMessage& opened) const;
    [[nodiscard]] DurationNs closeCost(const capture::ClosedMessage& closed) const;
    [[nodiscard]] WindowCapture bounds(std::int64_t openNs, std::int64_t closeNs, std::int64_t nowNs) const;

    std::vector<Member> m_members;
    std::unique_ptr<ContextSwitches> m_switches; ///< null: not asked for
    std::int64_t m_openedNs = 0;
    std::int64_t m_openCostNs = 0, m_closeCostNs = 0;
    std::uint64_t m_events = 0;
    std::int64_t m_goneFromNs = 0; ///< of a ring: processes that have ended and of which nothing is left reached up to here
    std::uint64_t m_goneRecords = 0;
};

} // namespace gantry::node
