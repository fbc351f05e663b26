#pragma once

#include "remote_server/capture/control_protocol.h"
#include "remote_server/node/capture_plan.h"
#include "remote_server/node/sampling/gpu_sampler.h"
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
    std::string firstFailure;
    std::shared_ptr<GpuSampler> gpuSampler; ///< runs from before the first window until the last one's report
    std::shared_ptr<WindowCompanion> companion; ///< likewise; null: none
    bool isArmed = false;
    bool isEnding = false; ///< no window follows

    [[nodiscard]] bool isTriggered() const { return request.trigger != proto::CaptureTrigger::None; }
    [[nodiscard]] std::string holderName() const { return status.holder.empty() ? "another client" : status.holder; }

    /// No process of the target has been there yet, and one is waited for.
    [[nodiscard]] bool isAwaitingFirst() const { return request.awaitNs > 0 && plan.windowsBegun == 0; }
    /// Why there is no window without a process: the target has ended, or is late.
    [[nodiscard]] Error withoutProcess(bool isRunning) const;

    /// What tells a library to open windows itself.
    [[nodiscard]] capture::OpenMessage triggerMessage() const;

    /// A window has no report. Where the target is gone, no window follows.
    void fail(const Error& error);
    /// Tells clients beside what there is to say already; of several windows once.
    void addNote(const std::string& sentence);
    /// All windows have their reports, or never will: how it went.
    void conclude();
};

} // namespace gantry::node
