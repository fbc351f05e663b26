#include "remote_server/node/running_capture.h"

#include "remote_server/node/capture_window.h"
#include "remote_server/node/notes.h"
#include "remote_server/node/range_counter.h"
#include "trace_model/report/meta_keys.h"

#include <spdlog/spdlog.h>

namespace gantry::node {

constexpr DurationNs kSoonNs = 8'000'000'000; // less than the capture library waits for a window that follows

Error RunningCapture::busy() const
{
    return {ErrorCode::Busy,
            "a capture window is already open, held by " + holderName() + ": wait until it is done, " +
                (request.engine == proto::EngineKind::Native ? "queue behind it, " : "") + "or stop it (`gantryctl node stop-capture " +
                status.captureId + "`)",
            {}};
}

Error RunningCapture::withoutProcess(bool isRunning) const
{
    const std::string target = "target " + request.targetId;
    const std::string log = "`gantryctl target log " + request.targetId + "` shows what it ";
    if (isRunning)
        return {ErrorCode::TargetGone,
                target + " has used neither CUDA nor NVTX in the time it was given, so there is nothing to capture; " + log + "says",
                {}};
    return {ErrorCode::TargetGone, target + (isAwaitingFirst() ? " ended before it used CUDA or NVTX; " + log + "said" : " has ended"), {}};
}

bool RunningCapture::isNextFollowedSoon() const
{
    return !request.isRing() && plan.windowsBegun + 1 < request.windowCount && plan.periodNs <= kSoonNs;
}

capture::OpenMessage RunningCapture::triggerMessage() const
{
    capture::OpenMessage message{};
    message.type = capture::MessageType::Open;
    message.windowId = firstWindowId + plan.windowsBegun; // a process that comes late goes on where the others are
    message.content = contentBits(request.content);
    message.durationNs = CapturePlan::longestWindow(request);
    message.trigger = request.trigger == proto::CaptureTrigger::CudaProfiler ? capture::Trigger::CudaProfiler : capture::Trigger::NvtxRange;
    message.windowCount = request.windowCount - plan.windowsBegun;
    message.triggerEvery = request.triggerEvery;
    message.triggerKept = request.kept;
    const RangeName range = RangeName::parse(request.triggerRange);
    const std::string domain = range.isOfAnyDomain ? capture::kAnyDomain : range.domain;
    range.message.copy(message.triggerMessage, sizeof message.triggerMessage - 1);
    domain.copy(message.triggerDomain, sizeof message.triggerDomain - 1);
    return message;
}

bool RunningCapture::mustAskProfiler(std::int64_t nowNs)
{
    if (!isArmed || !request.drivesProfiler || isProfilerAsked || nowNs < profilerDueNs)
        return false;
    isProfilerAsked = true;
    return true;
}

void RunningCapture::describe(std::map<std::string, std::string>& rows, std::uint32_t windowId, std::int64_t sessionEpoch) const
{
    namespace meta = report::meta;
    rows[meta::kLabel] = request.label;
    rows[meta::kOpenCostNs] = std::to_string(status.openCostNs);
    if (status.closeCostNs > 0) // nobody closes what a process took with it
        rows[meta::kCloseCostNs] = std::to_string(status.closeCostNs);
    if (!request.session.empty()) {
        rows[meta::kNodeSession] = request.session;
        rows[meta::kNodeSessionNodes] = std::to_string(request.sessionNodes);
    }
    if (request.windowCount > 1) {
        rows[meta::kSession] = status.captureId + "-" + std::to_string(sessionEpoch);
        rows[meta::kSessionWindow] = std::to_string(isArmed ? windowId - firstWindowId + 1 : plan.windowsBegun);
        rows[meta::kSessionWindows] = std::to_string(request.windowCount);
    }
}

void RunningCapture::fail(const Error& error)
{
    ++reportsFailed;
    if (firstFailure.empty()) {
        firstFailure = error.text();
        status.error = std::string(name(error.code));
    }
    if (error.code == ErrorCode::TargetGone)
        isEnding = true;
    spdlog::warn("capture {}: {}", status.captureId, error.text());
}

void RunningCapture::addReport(const std::string& name, bool hasLostProcess, bool isUnanswered)
{
    status.reportNames.push_back(name);
    status.reportName = status.costReport = name;
    if (hasLostProcess)
        addNote(status.message, "a process of the target ended inside the window: the report holds what came before");
    else if (isUnanswered)
        addNote(status.message, "a process of the target did not answer the end of the window: the report holds what it had written");
}

void RunningCapture::addSave(std::uint64_t number, const Result<std::string>& written)
{
    constexpr std::size_t kKeptSaves = 16; // node.proto, CaptureStatus.saves
    proto::RingSave& save = status.saves.emplace_back();
    save.number = number;
    if (written) {
        status.reportName = save.reportName = *written;
    } else {
        save.error = std::string(name(written.error().code));
        save.message = written.error().text();
        spdlog::warn("capture {}: {}", status.captureId, save.message);
    }
    if (status.saves.size() > kKeptSaves)
        status.saves.erase(status.saves.begin());
}

void RunningCapture::conclude()
{
    const bool isFailed = reportsFailed > 0 && status.reportNames.empty() && (!request.isRing() || plan.windowsBegun == 0);
    status.state = isFailed ? proto::CaptureState::Failed : proto::CaptureState::Done;
    if (isFailed) {
        status.message = firstFailure;
        return;
    }
    status.error.clear();
    if (reportsFailed == 0)
        return;
    if (request.isRing()) {
        addNote(status.message, firstFailure);
        return;
    }
    const std::size_t lost = plan.windowsBegun - status.reportNames.size();
    if (lost > 0)
        addNote(status.message,
                std::to_string(lost) + " of " + std::to_string(plan.windowsBegun) + " windows have no report: " + firstFailure);
    else // it failed between two of them
        addNote(status.message, "no further window was begun: " + firstFailure);
}

} // namespace gantry::node
