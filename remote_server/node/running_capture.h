#pragma once

#include "remote_server/capture/control_protocol.h"
#include "remote_server/node/capture_plan.h"
#include "remote_server/node/sampling/gpu_sampler.h"
#include "remote_server/node/save_rule.h"
#include "remote_server/node/window_companion.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <memory>
#include <string>

namespace gantry::node {

/// What one client asked for, until its last report is written. One thread at a time (the engine's mutex is held).
struct RunningCapture
{
    proto::CaptureRequest request;
    proto::CaptureStatus status; ///< as clients see it
    CapturePlan plan;
    std::uint32_t firstWindowId = 0; ///< of a trigger: of all its windows
    std::uint32_t windowsOpen = 0;
    std::uint32_t reportsPending = 0;
    std::uint32_t reportsFailed = 0;
    std::uint32_t savesPending = 0; ///< of them, of a ring
    std::string firstFailure;
    std::shared_ptr<GpuSampler> gpuSampler; ///< runs from before the first window until the last one's report
    std::int64_t samplerStartedNs = 0;
    std::shared_ptr<WindowCompanion> companion; ///< likewise; null: none
    std::unique_ptr<SaveRule> saveRule;         ///< of a recorder that saves by itself
    bool isArmed = false;
    std::int64_t profilerDueNs = 0; ///< of one that drives the target's profiler: when it is asked
    bool isProfilerAsked = false;
    bool isEnding = false; ///< no window follows

    [[nodiscard]] bool isTriggered() const { return request.trigger != proto::CaptureTrigger::None; }
    [[nodiscard]] std::string holderName() const { return status.holder.empty() ? "another client" : status.holder; }

    [[nodiscard]] bool hasWindowsLeft() const { return request.isRing() || plan.windowsBegun < request.windowCount; }
    /// Another window comes a few seconds after the next one, by the clock.
    [[nodiscard]] bool isNextFollowedSoon() const;
    /// No process of the target has been there yet, and one is waited for.
    [[nodiscard]] bool isAwaitingFirst() const { return request.awaitNs > 0 && plan.windowsBegun == 0; }
    /// What another client is told that wants a window now.
    [[nodiscard]] Error busy() const;
    /// Why there is no window without a process: the target has ended, or is late.
    [[nodiscard]] Error withoutProcess(bool isRunning) const;

    /// What tells a library to open windows itself.
    [[nodiscard]] capture::OpenMessage triggerMessage() const;

    /// Once: the processes wait for the profiler that is to open their window, or have had the time to.
    [[nodiscard]] bool mustAskProfiler(std::int64_t nowNs);

    /// Rows for the report of a window.
    void describe(std::map<std::string, std::string>& meta, std::uint32_t windowId, std::int64_t sessionEpoch) const;

    /// A window has no report. Where the target is gone, no window follows.
    void fail(const Error& error);
    /// A window's report is written.
    void addReport(const std::string& name, bool hasLostProcess, bool isUnanswered);
    /// A report of what the ring held is written, or could not be.
    void addSave(std::uint64_t number, const Result<std::string>& written);
    /// All windows have their reports, or never will: how it went.
    void conclude();
};

} // namespace gantry::node
