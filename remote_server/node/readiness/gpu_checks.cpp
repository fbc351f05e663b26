#include "remote_server/node/readiness/gpu_checks.h"

#include "remote_server/node/readiness/gpu_health.h"
#include "remote_server/node/readiness/kernel_log.h"
#include "remote_server/node/readiness/system_checks.h"
#include "remote_server/node/small_file.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

/// What the kernel log says beside NVML. Users may seldom read it, which is no fault of the node: there is no line then.
ReadinessItems checkXids(const ReadinessInputs& inputs)
{
    const auto errors = xidErrors(inputs.root / "dev/kmsg");
    if (!errors || errors->count() == 0)
        return {};
    std::string finding = "The driver has logged " + std::to_string(errors->count()) + " Xid errors since the node was booted:";
    const char* separator = " ";
    const auto tell = [&](const XidErrors::OfKind& kind, const char* what) {
        if (kind.count > 0)
            finding +=
                std::exchange(separator, ", ") + std::to_string(kind.count) + " " + what + " (last Xid " + std::to_string(kind.last) + ")";
    };
    tell(errors->hardware, "of the hardware");
    tell(errors->application, "of programs");
    tell(errors->information, "for information");
    finding += ".";
    if (errors->hardware.count > 0)
        return {{"xid", ReadinessLevel::Limited, finding, "A GPU has failed, or its memory or links have: what runs there may end.",
                 "see `sudo dmesg | grep Xid`, drain the node and reset the GPU: `sudo nvidia-smi --gpu-reset -i N`"}};
    if (errors->application.count > 0)
        return {
            {"xid", ReadinessLevel::Note, finding,
             "Programs did wrong, such as one that wrote beside its memory, or were ended by an error of memory that was contained (94).",
             "see `sudo dmesg | grep Xid` for which program"}};
    return {{"xid", ReadinessLevel::Note, finding, "The driver has dealt with them, as by remapping a row of memory (63).",
             "none; reset the GPU when it is drained, so that remapped rows count"}};
}

constexpr const char* kOpenToAll =
    "echo 'options nvidia NVreg_RestrictProfilingToAdminUsers=0' | sudo tee /etc/modprobe.d/gantry.conf, then load the driver anew or "
    "reboot";

/// Whether the driver takes a process for an administrator's.
Result<bool> mayAdminister(const ReadinessInputs& inputs, const std::string& process)
{
    GANTRY_TRY(const bool isAdmin, hasCapability(inputs, Capability::SysAdmin, process));
    GANTRY_TRY(const bool mayMeasure, hasCapability(inputs, Capability::Perfmon, process));
    return isAdmin || mayMeasure;
}

/// A sentence of the targets that have not the rights, or whose rights cannot be read; they may be another user's or in a container. Empty:
/// none is.
std::string otherTargets(const ReadinessInputs& inputs)
{
    std::string text;
    for (const RunningTarget& target : inputs.targets)
        if (const auto may = mayAdminister(inputs, std::to_string(target.pid)); !may || !*may)
            text += (text.empty() ? " Without the right themselves: target " : ", ") + target.id + " (" + target.name + ", process " +
                    std::to_string(target.pid) + (may ? ")" : ", not known)");
    return text.empty() ? text : text + ".";
}

std::string driverText(const std::string& version, int cuda)
{
    return "NVIDIA driver " + (version.empty() ? std::string("of an unknown version") : version) +
           (cuda > 0 ? ", for CUDA up to " + cudaVersionText(cuda) : std::string());
}

proto::ReadinessItem lostItem(const std::string& driver, std::size_t gpus, std::size_t lost)
{
    return {"driver", lost == gpus ? ReadinessLevel::Blocked : ReadinessLevel::Limited,
            driver + ", with " + std::to_string(gpus) + " GPUs, of which " + std::to_string(lost) + " no longer answer" +
                (lost == 1 ? "s." : "."),
            lost == gpus ? "No kernels, memory copies and GPU metrics; NVTX ranges, requests and host metrics are recorded."
                         : "Programs that start on all GPUs fail; what runs on the others can be captured.",
            "see the lines of the GPUs"};
}

} // namespace

ReadinessItems checkGpus(const ReadinessInputs& inputs)
{
    const auto nvml = NvmlLibrary::open(inputs.nvmlLibrary);
    if (!nvml) {
        std::string finding = nvml.error().message;
        finding.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(finding.front())));
        const bool isContained = !containerOf(inputs).empty();
        return {
            {"driver", ReadinessLevel::Blocked, finding + ".",
             "No kernels, memory copies and GPU metrics; NVTX ranges, requests and host metrics are recorded.",
             isContained
                 ? "start the container with --gpus all (docker) or nvidia.com/gpu (Kubernetes); else install NVIDIA's driver on its host"
                 : "install NVIDIA's driver, or reboot after an update of it; `nvidia-smi` has to list the GPUs"}};
    }
    const std::string version = (*nvml)->driverVersion();
    const int cuda = (*nvml)->cudaVersion();
    ReadinessItems gpus;
    for (const NvmlLibrary::Device& gpu : (*nvml)->devices())
        gpus.push_back(gpuHealth(**nvml, gpu));
    const auto lost =
        std::count_if(gpus.begin(), gpus.end(), [](const proto::ReadinessItem& gpu) { return gpu.level == ReadinessLevel::Blocked; });
    ReadinessItems items;
    if (lost > 0)
        items.push_back(lostItem(driverText(version, cuda), gpus.size(), static_cast<std::size_t>(lost)));
    else if (version.empty() && cuda == 0)
        items.push_back(unknownItem("driver", "NVML does not tell the driver's version"));
    else
        items.push_back(
            {"driver", ReadinessLevel::Ok, driverText(version, cuda) + ", with " + std::to_string(gpus.size()) + " GPUs.", {}, {}});
    items.insert(items.end(), gpus.begin(), gpus.end());
    for (proto::ReadinessItem& item : checkXids(inputs))
        items.push_back(std::move(item));
    return items;
}

ReadinessItems checkCounterPermission(const ReadinessInputs& inputs)
{
    constexpr const char* kTopic = "gpu counters";
    const auto parameters = readSmallFile(inputs.root / "proc/driver/nvidia/params");
    if (!parameters)
        return {unknownItem(kTopic, parameters.error().message)};
    constexpr std::string_view kKey = "RmProfilingAdminOnly:";
    const std::size_t at = parameters->find(kKey);
    const std::size_t value = at == std::string::npos ? at : parameters->find_first_not_of(' ', at + kKey.size());
    if (value == std::string::npos)
        return {unknownItem(kTopic, "/proc/driver/nvidia/params does not say RmProfilingAdminOnly")};
    if ((*parameters)[value] == '0')
        return {{kTopic, ReadinessLevel::Ok, "The driver lets every user sample them.", {}, {}}};
    const auto isAdministrator = mayAdminister(inputs, "self");
    if (!isAdministrator)
        return {unknownItem(kTopic, isAdministrator.error().message)};
    const std::string others = otherTargets(inputs);
    if (*isAdministrator)
        return {{kTopic, others.empty() ? ReadinessLevel::Ok : ReadinessLevel::Note,
                 "The driver keeps them for administrators, of which gantryd is one." + others,
                 others.empty() ? "" : "Windows have hardware counters; a profiler inside of these targets gets none.",
                 others.empty()
                     ? ""
                     : "start them with CAP_PERFMON (docker: --cap-add=PERFMON), or open the counters to all: " + std::string(kOpenToAll)}};
    return {{kTopic, ReadinessLevel::Limited,
             "The driver keeps them for administrators (RmProfilingAdminOnly 1), of which gantryd is none." + others,
             "Windows have no hardware counters (--gpu-metrics-hz); kernels and memory copies are recorded.", kOpenToAll}};
}

} // namespace gantry::node
