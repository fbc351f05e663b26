#include "remote_server/proto/convert.h"
#include "remote_server/proto/convert_engine.h"

namespace gantry::proto {
namespace {

v1::CaptureState toWire(CaptureState state)
{
    switch (state) {
    case CaptureState::Unknown:
        return v1::CAPTURE_STATE_UNKNOWN;
    case CaptureState::Arming:
        return v1::CAPTURE_STATE_ARMING;
    case CaptureState::Capturing:
        return v1::CAPTURE_STATE_CAPTURING;
    case CaptureState::Closing:
        return v1::CAPTURE_STATE_CLOSING;
    case CaptureState::Assembling:
        return v1::CAPTURE_STATE_ASSEMBLING;
    case CaptureState::Done:
        return v1::CAPTURE_STATE_DONE;
    case CaptureState::Failed:
        return v1::CAPTURE_STATE_FAILED;
    case CaptureState::Queued:
        return v1::CAPTURE_STATE_QUEUED;
    case CaptureState::Waiting:
        return v1::CAPTURE_STATE_WAITING;
    case CaptureState::Armed:
        return v1::CAPTURE_STATE_ARMED;
    }
    return v1::CAPTURE_STATE_UNKNOWN;
}

CaptureState fromWire(v1::CaptureState state)
{
    switch (state) {
    case v1::CAPTURE_STATE_ARMING:
        return CaptureState::Arming;
    case v1::CAPTURE_STATE_CAPTURING:
        return CaptureState::Capturing;
    case v1::CAPTURE_STATE_CLOSING:
        return CaptureState::Closing;
    case v1::CAPTURE_STATE_ASSEMBLING:
        return CaptureState::Assembling;
    case v1::CAPTURE_STATE_DONE:
        return CaptureState::Done;
    case v1::CAPTURE_STATE_FAILED:
        return CaptureState::Failed;
    case v1::CAPTURE_STATE_QUEUED:
        return CaptureState::Queued;
    case v1::CAPTURE_STATE_WAITING:
        return CaptureState::Waiting;
    case v1::CAPTURE_STATE_ARMED:
        return CaptureState::Armed;
    default:
        return CaptureState::Unknown;
    }
}

v1::CaptureTrigger toWire(CaptureTrigger trigger)
{
    switch (trigger) {
    case CaptureTrigger::None:
        return v1::CAPTURE_TRIGGER_NONE;
    case CaptureTrigger::CudaProfiler:
        return v1::CAPTURE_TRIGGER_CUDA_PROFILER;
    case CaptureTrigger::NvtxRange:
        return v1::CAPTURE_TRIGGER_NVTX_RANGE;
    }
    return v1::CAPTURE_TRIGGER_NONE;
}

CaptureTrigger fromWire(v1::CaptureTrigger trigger)
{
    switch (trigger) {
    case v1::CAPTURE_TRIGGER_CUDA_PROFILER:
        return CaptureTrigger::CudaProfiler;
    case v1::CAPTURE_TRIGGER_NVTX_RANGE:
        return CaptureTrigger::NvtxRange;
    default:
        return CaptureTrigger::None;
    }
}

} // namespace

v1::StartCaptureRequest toWire(const CaptureRequest& request)
{
    v1::StartCaptureRequest wire;
    wire.set_target_id(request.targetId);
    wire.set_duration_ns(request.durationNs);
    wire.set_max_requests(request.maxRequests);
    v1::CaptureContent& content = *wire.mutable_content();
    content.set_nvtx(request.content.nvtx);
    content.set_kernels(request.content.kernels);
    content.set_memcpy(request.content.memcpy);
    content.set_runtime_api(request.content.runtimeApi);
    content.set_driver_api(request.content.driverApi);
    content.set_synchronization(request.content.synchronization);
    content.set_overhead(request.content.overhead);
    content.set_metrics(request.content.metrics);
    content.set_api_queries(request.content.apiQueries);
    content.set_gpu_metrics_hz(request.content.gpuMetricsHz);
    content.set_memory_allocations(request.content.memoryAllocations);
    content.set_modules(request.content.modules);
    content.set_whole_graphs(request.content.wholeGraphs);
    content.set_context_switches(request.content.contextSwitches);
    wire.set_label(request.label);
    wire.set_client_name(request.clientName);
    wire.set_delay_ns(request.delayNs);
    wire.set_start_utc_ns(request.startUtcNs);
    wire.set_max_bytes(request.maxBytes);
    wire.set_max_iterations(request.maxIterations);
    wire.set_iteration_range(request.iterationRange);
    wire.set_window_count(request.windowCount);
    wire.set_period_ns(request.periodNs);
    wire.set_may_queue(request.mayQueue);
    wire.set_trigger(toWire(request.trigger));
    wire.set_trigger_range(request.triggerRange);
    wire.set_trigger_every(request.triggerEvery);
    wire.set_await_ns(request.awaitNs);
    wire.set_stop_target(request.stopTarget);
    wire.set_ring_ns(request.ringNs);
    wire.set_ring_bytes(request.ringBytes);
    wire.set_engine(toWire(request.engine));
    *wire.mutable_nsys() = toWire(request.nsys);
    wire.set_plan_only(request.isPlanOnly);
    wire.set_server_trace(request.hasServerTrace);
    wire.set_save_when(request.saveWhen.condition);
    wire.set_save_for_ns(request.saveWhen.forNs);
    wire.set_save_last_ns(request.saveWhen.lastNs);
    wire.set_save_next_ns(request.saveWhen.nextNs);
    wire.set_save_at_most(request.saveWhen.atMost);
    wire.set_save_cool_down_ns(request.saveWhen.coolDownNs);
    wire.set_kept(request.kept);
    wire.set_kept_of(request.keptOf);
    wire.set_drives_profiler(request.drivesProfiler);
    wire.set_session(validUtf8(request.session));
    wire.set_session_nodes(request.sessionNodes);
    return wire;
}

CaptureRequest fromWire(const v1::StartCaptureRequest& wire)
{
    CaptureRequest request;
    request.targetId = wire.target_id();
    request.durationNs = wire.duration_ns();
    request.maxRequests = wire.max_requests();
    if (wire.has_content()) {
        const v1::CaptureContent& content = wire.content();
        request.content.nvtx = content.nvtx();
        request.content.kernels = content.kernels();
        request.content.memcpy = content.memcpy();
        request.content.runtimeApi = content.runtime_api();
        request.content.driverApi = content.driver_api();
        request.content.synchronization = content.synchronization();
        request.content.overhead = content.overhead();
        request.content.metrics = content.metrics();
        request.content.apiQueries = content.api_queries();
        request.content.gpuMetricsHz = content.gpu_metrics_hz();
        request.content.memoryAllocations = content.memory_allocations();
        request.content.modules = content.modules();
        request.content.wholeGraphs = content.whole_graphs();
        request.content.contextSwitches = content.context_switches();
    }
    request.label = wire.label();
    request.clientName = wire.client_name();
    request.delayNs = wire.delay_ns();
    request.startUtcNs = wire.start_utc_ns();
    request.maxBytes = wire.max_bytes();
    request.maxIterations = wire.max_iterations();
    request.iterationRange = wire.iteration_range();
    request.windowCount = std::max(1u, wire.window_count());
    request.periodNs = wire.period_ns();
    request.mayQueue = wire.may_queue();
    request.trigger = fromWire(wire.trigger());
    request.triggerRange = wire.trigger_range();
    request.triggerEvery = std::max(1u, wire.trigger_every());
    request.awaitNs = wire.await_ns();
    request.stopTarget = wire.stop_target();
    request.ringNs = wire.ring_ns();
    request.ringBytes = wire.ring_bytes();
    request.engine = fromWire(wire.engine());
    request.nsys = fromWire(wire.nsys());
    request.isPlanOnly = wire.plan_only();
    request.hasServerTrace = wire.server_trace();
    request.saveWhen.condition = wire.save_when();
    request.saveWhen.forNs = wire.save_for_ns();
    if (wire.save_last_ns() != 0)
        request.saveWhen.lastNs = wire.save_last_ns();
    request.saveWhen.nextNs = wire.save_next_ns();
    if (wire.save_at_most() != 0)
        request.saveWhen.atMost = wire.save_at_most();
    request.saveWhen.coolDownNs = wire.save_cool_down_ns();
    request.kept = std::max(1u, wire.kept());
    request.keptOf = std::max(1u, wire.kept_of());
    request.drivesProfiler = wire.drives_profiler();
    request.session = wire.session();
    request.sessionNodes = wire.session_nodes();
    return request;
}

v1::CaptureStatus toWire(const CaptureStatus& status)
{
    v1::CaptureStatus wire;
    wire.set_capture_id(status.captureId);
    wire.set_target_id(status.targetId);
    wire.set_state(toWire(status.state));
    wire.set_holder(validUtf8(status.holder));
    wire.set_elapsed_ns(status.elapsedNs);
    wire.set_duration_ns(status.durationNs);
    wire.set_events(status.events);
    wire.set_bytes(status.bytes);
    wire.set_dropped(status.dropped);
    wire.set_message(validUtf8(status.message));
    wire.set_report_name(validUtf8(status.reportName));
    wire.set_error(status.error);
    wire.set_open_cost_ns(status.openCostNs);
    wire.set_close_cost_ns(status.closeCostNs);
    wire.set_target_exited(status.targetExited);
    wire.set_windows_begun(status.windowsBegun);
    wire.set_window_count(status.windowCount);
    wire.set_windows_skipped(status.windowsSkipped);
    for (const std::string& name : status.reportNames)
        wire.add_report_names(validUtf8(name));
    wire.set_waits_ns(status.waitsNs);
    wire.set_waits_for(validUtf8(status.waitsFor));
    wire.set_ring_held_ns(status.ringHeldNs);
    wire.set_ring_overwritten(status.ringOverwritten);
    wire.set_processes(status.processes);
    wire.set_ring_ns(status.ringNs);
    wire.set_label(validUtf8(status.label));
    for (const RingSave& save : status.saves) {
        v1::RingSave& to = *wire.add_saves();
        to.set_number(save.number);
        to.set_report_name(validUtf8(save.reportName));
        to.set_error(save.error);
        to.set_message(validUtf8(save.message));
    }
    wire.set_saves_begun(status.savesBegun);
    for (const std::string& command : status.commands)
        wire.add_commands(validUtf8(command));
    wire.set_step(validUtf8(status.step));
    wire.set_engine(toWire(status.engine));
    for (const auto& [name, value] : status.cost.rows())
        if (!value.empty())
            (*wire.mutable_cost())[name] = value;
    wire.set_cost_pending(status.isCostPending);
    wire.set_cost_report(validUtf8(status.costReport));
    wire.set_save_when(validUtf8(status.saveWhen));
    wire.set_rule_saves(status.ruleSaves);
    wire.set_rule_saves_at_most(status.ruleSavesAtMost);
    wire.set_save_state(validUtf8(status.saveState));
    wire.set_window_begin_utc_ns(status.windowBeginUtcNs);
    return wire;
}

CaptureStatus fromWire(const v1::CaptureStatus& wire)
{
    CaptureStatus status;
    status.captureId = wire.capture_id();
    status.targetId = wire.target_id();
    status.state = fromWire(wire.state());
    status.holder = wire.holder();
    status.elapsedNs = wire.elapsed_ns();
    status.durationNs = wire.duration_ns();
    status.events = wire.events();
    status.bytes = wire.bytes();
    status.dropped = wire.dropped();
    status.message = wire.message();
    status.reportName = wire.report_name();
    status.error = wire.error();
    status.openCostNs = wire.open_cost_ns();
    status.closeCostNs = wire.close_cost_ns();
    status.targetExited = wire.target_exited();
    status.windowsBegun = wire.windows_begun();
    status.windowCount = wire.window_count();
    status.windowsSkipped = wire.windows_skipped();
    status.reportNames.assign(wire.report_names().begin(), wire.report_names().end());
    status.waitsNs = wire.waits_ns();
    status.waitsFor = wire.waits_for();
    status.ringHeldNs = wire.ring_held_ns();
    status.ringOverwritten = wire.ring_overwritten();
    status.processes = wire.processes();
    status.ringNs = wire.ring_ns();
    status.label = wire.label();
    for (const v1::RingSave& save : wire.saves())
        status.saves.push_back({save.number(), save.report_name(), save.error(), save.message()});
    status.savesBegun = wire.saves_begun();
    status.commands.assign(wire.commands().begin(), wire.commands().end());
    status.step = wire.step();
    status.engine = fromWire(wire.engine());
    status.cost = report::WindowCost::of({wire.cost().begin(), wire.cost().end()});
    status.isCostPending = wire.cost_pending();
    status.costReport = wire.cost_report();
    status.saveWhen = wire.save_when();
    status.ruleSaves = wire.rule_saves();
    status.ruleSavesAtMost = wire.rule_saves_at_most();
    status.saveState = wire.save_state();
    status.windowBeginUtcNs = wire.window_begin_utc_ns();
    return status;
}

} // namespace gantry::proto
