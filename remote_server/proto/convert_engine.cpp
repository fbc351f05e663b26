#include "remote_server/proto/convert_engine.h"

namespace gantry::proto {

v1::CaptureEngine toWire(EngineKind engine)
{
    switch (engine) {
    case EngineKind::Native:
        return v1::CAPTURE_ENGINE_NATIVE;
    case EngineKind::Nsys:
        return v1::CAPTURE_ENGINE_NSYS;
    case EngineKind::Kineto:
        return v1::CAPTURE_ENGINE_KINETO;
    case EngineKind::ServerTrace:
        return v1::CAPTURE_ENGINE_SERVER_TRACE;
    }
    return v1::CAPTURE_ENGINE_NATIVE;
}

EngineKind fromWire(v1::CaptureEngine engine)
{
    switch (engine) {
    case v1::CAPTURE_ENGINE_NSYS:
        return EngineKind::Nsys;
    case v1::CAPTURE_ENGINE_KINETO:
        return EngineKind::Kineto;
    case v1::CAPTURE_ENGINE_SERVER_TRACE:
        return EngineKind::ServerTrace;
    default:
        return EngineKind::Native;
    }
}

v1::NsysLaunchOptions toWire(const NsysLaunchOptions& options)
{
    v1::NsysLaunchOptions wire;
    wire.mutable_trace()->Add(options.trace.begin(), options.trace.end());
    wire.set_cuda_graph_trace(options.cudaGraphTrace);
    wire.set_cuda_memory_usage(options.cudaMemoryUsage);
    wire.set_trace_fork_before_exec(options.traceForkBeforeExec);
    return wire;
}

NsysLaunchOptions fromWire(const v1::NsysLaunchOptions& wire)
{
    return {{wire.trace().begin(), wire.trace().end()}, wire.cuda_graph_trace(), wire.cuda_memory_usage(), wire.trace_fork_before_exec()};
}

v1::NsysWindowOptions toWire(const NsysWindowOptions& options)
{
    v1::NsysWindowOptions wire;
    wire.set_sample(options.sample);
    wire.set_context_switches(options.contextSwitches);
    wire.set_gpu_metrics_devices(options.gpuMetricsDevices);
    wire.set_gpu_metrics_hz(options.gpuMetricsHz);
    return wire;
}

NsysWindowOptions fromWire(const v1::NsysWindowOptions& wire)
{
    return {wire.sample(), wire.context_switches(), wire.gpu_metrics_devices(), wire.gpu_metrics_hz()};
}

const char* name(EngineKind engine)
{
    switch (engine) {
    case EngineKind::Native:
        return "gantry";
    case EngineKind::Nsys:
        return "nsys";
    case EngineKind::Kineto:
        return "kineto";
    case EngineKind::ServerTrace:
        return "triton";
    }
    return "gantry";
}

std::optional<EngineKind> engineFromName(std::string_view text)
{
    for (const EngineKind engine : {EngineKind::Native, EngineKind::Nsys, EngineKind::Kineto, EngineKind::ServerTrace})
        if (text == name(engine))
            return engine;
    return std::nullopt;
}

} // namespace gantry::proto
