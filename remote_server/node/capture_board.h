#pragma once

#include "remote_server/node/running_capture.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gantry::node {

/// The captures that clients asked for: who has the node, and who waits for it. One thread at a time (the engine's mutex is held).
class CaptureBoard
{
public:
    RunningCapture& add(const proto::CaptureRequest& request, const CapturePlan& plan);
    /// Null: it has ended, or there was none.
    [[nodiscard]] RunningCapture* find(const std::string& captureId) const;
    /// Those that have not ended, in the order in which they were asked for.
    [[nodiscard]] const std::vector<std::unique_ptr<RunningCapture>>& running() const { return m_running; }
    /// It is over: its status is kept for a while, `capture` is gone.
    void retire(const RunningCapture& capture);

    /// What the report of a capture says of its window's cost now; of one that has ended, too.
    void takeCost(const std::string& captureId, const std::string& reportName, const report::WindowCost& cost);

    /// Error NotFound.
    [[nodiscard]] Result<proto::CaptureStatus> status(const std::string& captureId) const;
    [[nodiscard]] std::vector<proto::CaptureStatus> statuses() const;
    /// Whether a client who knows this status has something to learn; also when there is no such capture.
    [[nodiscard]] bool hasChanged(const std::string& captureId, const proto::CaptureStatus& known) const;

    /// Who has the node, so that this request would have to wait; null: nobody.
    [[nodiscard]] const RunningCapture* holderFor(const proto::CaptureRequest& request) const;
    /// Of those whose next window is due, the one that goes first: windows before rings, then who has waited longest. Null: none can begin.
    [[nodiscard]] const RunningCapture* firstDue(std::int64_t nowNs, const std::function<bool(const RunningCapture&)>& canBegin) const;

    RunningCapture* active = nullptr; ///< that has a window open, or is armed

private:
    std::vector<std::unique_ptr<RunningCapture>> m_running;
    std::deque<proto::CaptureStatus> m_ended;
    std::uint64_t m_nextId = 1;
};

} // namespace gantry::node
