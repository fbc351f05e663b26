#include "remote_server/node/capture_board.h"

#include <algorithm>
#include <tuple>

namespace gantry::node {
namespace {

constexpr std::size_t kKeptStatuses = 64;

} // namespace

RunningCapture& CaptureBoard::add(const proto::CaptureRequest& request, const CapturePlan& plan)
{
    RunningCapture& capture = *m_running.emplace_back(std::make_unique<RunningCapture>());
    capture.request = request;
    capture.plan = plan;
    proto::CaptureStatus& status = capture.status;
    status.captureId = "c" + std::to_string(m_nextId++);
    status.targetId = request.targetId;
    status.state = proto::CaptureState::Waiting;
    status.holder = request.clientName;
    status.durationNs = request.durationNs;
    status.windowCount = request.windowCount;
    status.ringNs = request.ringNs;
    status.label = request.label;
    return capture;
}

RunningCapture* CaptureBoard::find(const std::string& captureId) const
{
    const auto found =
        std::find_if(m_running.begin(), m_running.end(), [&](const auto& capture) { return capture->status.captureId == captureId; });
    return found == m_running.end() ? nullptr : found->get();
}

void CaptureBoard::retire(const RunningCapture& capture)
{
    if (active == &capture)
        active = nullptr;
    m_ended.push_back(capture.status);
    if (m_ended.size() > kKeptStatuses)
        m_ended.pop_front();
    std::erase_if(m_running, [&](const auto& other) { return other.get() == &capture; });
}

void CaptureBoard::takeCost(const std::string& captureId, const std::string& reportName, const report::WindowCost& cost)
{
    const auto take = [&](proto::CaptureStatus& status) {
        if (status.captureId != captureId || status.costReport != reportName)
            return; // a later window's is shown by now
        status.cost = cost;
        status.isCostPending = false;
    };
    for (const auto& capture : m_running)
        take(capture->status);
    for (proto::CaptureStatus& status : m_ended)
        take(status);
}

Result<proto::CaptureStatus> CaptureBoard::status(const std::string& captureId) const
{
    if (const RunningCapture* capture = find(captureId))
        return capture->status;
    const auto ended = std::find_if(m_ended.begin(), m_ended.end(), [&](const auto& status) { return status.captureId == captureId; });
    if (ended != m_ended.end())
        return *ended;
    return Error{ErrorCode::NotFound, "there is no capture " + captureId + " on this node", {}};
}

std::vector<proto::CaptureStatus> CaptureBoard::statuses() const
{
    std::vector<proto::CaptureStatus> result(m_ended.begin(), m_ended.end());
    for (const auto& capture : m_running)
        result.push_back(capture->status);
    return result;
}

bool CaptureBoard::hasChanged(const std::string& captureId, const proto::CaptureStatus& known) const
{
    const auto now = status(captureId);
    const auto lastSave = [](const proto::CaptureStatus& status) { return status.saves.empty() ? 0 : status.saves.back().number; };
    return !now || now->state != known.state || now->windowsBegun != known.windowsBegun || now->message != known.message ||
           now->reportNames.size() != known.reportNames.size() || now->isCostPending != known.isCostPending ||
           now->events != known.events || now->bytes != known.bytes || lastSave(*now) != lastSave(known);
}

const RunningCapture* CaptureBoard::holderFor(const proto::CaptureRequest& request) const
{
    if (active && (!active->request.isRing() || request.isRing()))
        return active;
    const auto queued = std::find_if(m_running.begin(), m_running.end(), [&](const auto& capture) {
        return capture->status.state == proto::CaptureState::Queued && (!capture->request.isRing() || request.isRing());
    });
    return queued == m_running.end() ? nullptr : queued->get();
}

const RunningCapture* CaptureBoard::firstDue(std::int64_t nowNs, const std::function<bool(const RunningCapture&)>& canBegin) const
{
    const RunningCapture* first = nullptr;
    const auto order = [](const RunningCapture& capture) { return std::tuple(capture.request.isRing(), capture.plan.dueNs); };
    for (const auto& capture : m_running)
        if (!capture->isEnding && !capture->isArmed && capture->windowsOpen == 0 && capture->hasWindowsLeft() &&
            capture->plan.isDue(nowNs) && canBegin(*capture) && (!first || order(*capture) < order(*first)))
            first = capture.get();
    return first;
}

} // namespace gantry::node
