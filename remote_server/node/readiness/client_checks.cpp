#include "remote_server/node/readiness/client_checks.h"

#include "remote_server/node/process_table.h"
#include "remote_server/node/readiness/system_checks.h"
#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/node/small_file.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

constexpr const char* kInjectionVariables[] = {"CUDA_INJECTION64_PATH", "NVTX_INJECTION64_PATH"};
constexpr std::string_view kDcgmPort = ":15B3"; // 5555, as /proc/net/tcp has it
constexpr int kHopper = 9;

bool isOneOf(const std::string& name, std::initializer_list<const char*> names)
{
    return std::any_of(names.begin(), names.end(), [&](const char* other) { return name == other; });
}

/// A socket that listens at DCGM's port: proc_net_tcp, state 0A.
bool dcgmListens(const ReadinessInputs& inputs)
{
    for (const char* table : {"proc/net/tcp", "proc/net/tcp6"}) {
        const auto text = readSmallFile(inputs.root / table, 1 << 20);
        if (!text)
            continue;
        std::istringstream lines(*text);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream fields(line);
            std::string number, local, remote, state;
            if (fields >> number >> local >> remote >> state && state == "0A" && local.ends_with(kDcgmPort))
                return true;
        }
    }
    return false;
}

/// The compute capability's first number of the oldest GPU; 0: not known.
int oldestGpu(const ReadinessInputs& inputs)
{
    const auto nvml = NvmlLibrary::open(inputs.nvmlLibrary);
    int oldest = 0;
    for (const NvmlLibrary::Device& gpu : nvml ? (*nvml)->devices() : std::vector<NvmlLibrary::Device>()) {
        int major = 0, minor = 0;
        if (gpu.handle && (*nvml)->call("nvmlDeviceGetCudaComputeCapability", gpu.handle, &major, &minor) == NvmlLibrary::kSuccess)
            oldest = oldest == 0 ? major : std::min(oldest, major);
    }
    return oldest;
}

ReadinessItems dcgmItem(const ReadinessInputs& inputs)
{
    const int oldest = oldestGpu(inputs);
    constexpr const char* kFinding = "DCGM runs on this node (nv-hostengine or dcgm-exporter).";
    constexpr const char* kFix = "while a window samples counters: `dcgmi profile --pause`, and `dcgmi profile --resume` after it";
    if (oldest >= kHopper)
        return {{"counter clients",
                 ReadinessLevel::Note,
                 kFinding,
                 "None known on these GPUs: from Hopper on both sample the counters at once.",
                 {}}};
    return {{"counter clients", ReadinessLevel::Limited, kFinding,
             "GPUs before Hopper give their hardware counters to one at a time: while DCGM samples profiling metrics, windows have none; "
             "kernels "
             "and memory copies are recorded.",
             kFix}};
}

} // namespace

ReadinessItems checkCounterClients(const ReadinessInputs& inputs)
{
    const auto processes = readProcesses(inputs.root / "proc");
    bool hasDcgm = dcgmListens(inputs), hasMps = false;
    std::string profilers;
    for (const ProcessEntry& process : processes) { // names as the kernel cuts them
        hasDcgm = hasDcgm || isOneOf(process.name, {"nv-hostengine", "dcgm-exporter"});
        hasMps = hasMps || process.name.starts_with("nvidia-cuda-mps");
        if (isOneOf(process.name, {"nsys", "ncu", "nv-nsight-cu-cl", "cuda-gdb", "compute-sanitiz"}))
            profilers += (profilers.empty() ? "" : ", ") + process.name + " (" + std::to_string(process.pid) + ")";
    }
    ReadinessItems items;
    if (hasDcgm)
        items = dcgmItem(inputs);
    if (!profilers.empty())
        items.push_back({"counter clients", ReadinessLevel::Note, "Other tools run on this node: " + profilers + ".",
                         "A process that one of them records has its CUPTI taken: windows of it have no kernels, and say so.",
                         "end them before a window"});
    if (hasMps)
        items.push_back({"mps",
                         ReadinessLevel::Note,
                         "CUDA's multi-process service runs on this node.",
                         "GPUs before Hopper may hang in cooperative kernels while a window records; kernels of several processes overlap.",
                         {}});
    if (!items.empty())
        return items;
    if (std::none_of(processes.begin(), processes.end(), [](const ProcessEntry& process) { return process.pid == 1; }))
        return {unknownItem("counter clients", "processes of other users are hidden from gantryd (hidepid)")};
    if (const std::string container = containerOf(inputs); !container.empty())
        return {{"counter clients",
                 ReadinessLevel::Note,
                 "No other profiler and no DCGM is seen; what runs on the host is not seen from this container (" + container + ").",
                 {},
                 {}}};
    return {{"counter clients", ReadinessLevel::Ok, "No other profiler and no DCGM runs on this node.", {}, {}}};
}

ReadinessItems checkInjection(const ReadinessInputs& inputs)
{
    for (const char* variable : kInjectionVariables) {
        const auto found = inputs.environment.find(variable);
        if (found != inputs.environment.end() && !found->second.empty() && found->second != inputs.captureLibrary)
            return {{"injection", ReadinessLevel::Limited,
                     std::string(variable) + " is " + found->second + " in gantryd's own environment.",
                     "Targets would be another profiler's: gantryd refuses to launch them with its capture library.",
                     std::string("unset ") + variable + ", and start gantryd again"}};
    }
    return {
        {"injection", ReadinessLevel::Ok, "No other profiler is set for targets (CUDA_INJECTION64_PATH, NVTX_INJECTION64_PATH).", {}, {}}};
}

} // namespace gantry::node
