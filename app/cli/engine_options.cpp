#include "app/cli/engine_options.h"

#include "app/cli/window_options.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace gantry::cli {
namespace {

Result<proto::EngineKind> engineOf(const std::string& name)
{
    if (const auto engine = proto::engineFromName(name))
        return *engine;
    return Error{ErrorCode::BadInput, fmt::format("'{}' is no engine: write gantry, nsys, kineto or triton", name), {}};
}

Result<void> refuse(const char* option, const char* engine)
{
    return Error{ErrorCode::BadInput, fmt::format("{} is of the engine {}: add --engine {}", option, engine, engine), {}};
}

std::vector<std::string> splitAtCommas(const std::string& text)
{
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t comma = std::min(text.find(',', begin), text.size());
        words.push_back(text.substr(begin, comma - begin));
        begin = comma + 1;
    }
    return words;
}

} // namespace

void EngineOptions::addTo(CLI::App& command, bool launches, bool captures)
{
    command
        .add_option("--engine", engine,
                    captures ? "what records: gantry; nsys (Nsight Systems of the node, for a target launched with this engine); kineto "
                               "(PyTorch's profiler, likewise); triton (the request tracer of a Triton server)"
                             : "what is to record it: gantry; nsys (Nsight Systems of the node); kineto (PyTorch's profiler)")
        ->capture_default_str();
    command.add_flag("--dry-run", isDryRun, "print the commands that the node would run, and do nothing");
    if (launches) {
        command.add_option("--nsys-trace", trace, "of nsys: what it traces, e.g. cuda,nvtx,osrt,cublas (default: cuda,nvtx)");
        command.add_option("--nsys-cuda-graph-trace", graphTrace, "of nsys: graph or node (default: that of its version)");
        command.add_flag("--nsys-cuda-memory-usage", tracesMemory, "of nsys: follow the GPU memory in use; dear");
        command.add_flag("--nsys-trace-fork-before-exec", tracesForks, "of nsys: trace children between fork and exec");
    }
    if (captures) {
        command.add_option("--nsys-sample", sample, "of nsys: CPU samples, process-tree or system-wide (default: none)");
        command.add_option("--nsys-cpuctxsw", contextSwitches, "of nsys: context switches, process-tree or system-wide (default: none)");
        command.add_option("--nsys-gpu-metrics-devices", gpuDevices, "of nsys: GPUs whose metrics are sampled, all or 0,1,…");
        command.add_option("--nsys-gpu-metrics-frequency", gpuRate, "of nsys: how often, 10Hz to 200kHz");
        command.add_flag("--server-trace", serverTrace,
                         "of gantry: also the requests that the target's Triton server traces itself; needs its --grpc-address");
    }
}

Result<void> EngineOptions::apply(proto::LaunchRequest& request) const
{
    GANTRY_TRY(request.engine, engineOf(engine));
    if (request.engine == proto::EngineKind::ServerTrace) // needs nothing of the launch
        request.engine = proto::EngineKind::Native;
    const bool isNsys = request.engine == proto::EngineKind::Nsys;
    if (!isNsys && (!trace.empty() || !graphTrace.empty() || tracesMemory || tracesForks))
        return refuse("an option --nsys-…", "nsys");
    request.nsys = {splitAtCommas(trace), graphTrace, tracesMemory, tracesForks};
    request.isPlanOnly = isDryRun;
    return {};
}

Result<void> EngineOptions::apply(proto::CaptureRequest& request) const
{
    GANTRY_TRY(request.engine, engineOf(engine));
    const bool isNsys = request.engine == proto::EngineKind::Nsys;
    if (!isNsys && (!sample.empty() || !contextSwitches.empty() || !gpuDevices.empty() || !gpuRate.empty()))
        return refuse("an option --nsys-…", "nsys");
    if (serverTrace && request.engine != proto::EngineKind::Native)
        return refuse("--server-trace", "gantry");
    request.nsys = {sample, contextSwitches, gpuDevices, 0};
    if (!gpuRate.empty()) {
        GANTRY_TRY(request.nsys.gpuMetricsHz, parseSampleRate(gpuRate));
    }
    request.hasServerTrace = serverTrace;
    request.isPlanOnly = isDryRun;
    return {};
}

} // namespace gantry::cli
