#include "remote_server/node/readiness/gpu_health.h"

#include <algorithm>
#include <cstdio>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

// nvml.h, nvmlMemoryErrorType_t, nvmlEccCounterType_t, nvmlClocksEventReason…
constexpr int kUncorrected = 1, kSinceReboot = 0, kEver = 1;
constexpr unsigned long long kPowerCap = 0x4, kHardwareSlowdown = 0x8, kSoftwareThermal = 0x20, kHardwareThermal = 0x40, kPowerBrake = 0x80;

/// Gathers what is to be said of one GPU.
class Findings
{
public:
    explicit Findings(proto::ReadinessItem& item) : m_item(item) {}

    void add(ReadinessLevel level, const std::string& finding, const std::string& effect, const std::string& fix)
    {
        append(m_item.finding, finding);
        append(m_item.effect, effect);
        append(m_item.fix, fix);
        m_item.level = std::max(m_item.level, level);
        m_isAnswered = true;
    }
    void answered() { m_isAnswered = true; }
    /// What is as it should be, or is not supported: no sentence of its own.
    void remark(const std::string& text) { append(m_remarks, text, ", "); }
    /// A value that this GPU has and that could not be read.
    void missing(const std::string& what, const std::string& why) { append(m_missing, what + " (" + why + ")", ", "); }

    void finish(const std::string& gpu)
    {
        if (!m_isAnswered) {
            m_item.level = ReadinessLevel::Unknown;
            m_item.finding =
                gpu + ": cannot be looked at: NVML tells nothing of its state" + (m_missing.empty() ? "." : ": " + m_missing + ".");
            return;
        }
        append(m_item.finding, m_remarks.empty() ? (m_item.finding.empty() ? "nothing is wrong in what it tells." : "") : m_remarks + ".");
        m_item.finding = gpu + ": " + m_item.finding;
        if (!m_missing.empty())
            m_item.finding += " Not known: " + m_missing + ".";
    }

private:
    static void append(std::string& text, const std::string& more, const char* separator = " ")
    {
        if (!more.empty())
            text += (text.empty() ? "" : separator) + more;
    }

    proto::ReadinessItem& m_item;
    std::string m_missing, m_remarks;
    bool m_isAnswered = false;
};

/// Whether a call has answered; what this GPU does not have is not missing.
bool isAnswer(const NvmlLibrary& nvml, Findings& findings, int status, const char* what)
{
    if (status == NvmlLibrary::kSuccess)
        findings.answered();
    else if (status != NvmlLibrary::kNotSupported && status != NvmlLibrary::kNotThere)
        findings.missing(what, nvml.errorText(status));
    return status == NvmlLibrary::kSuccess;
}

void lookAtMemory(const NvmlLibrary& nvml, void* gpu, const std::string& number, Findings& findings)
{
    unsigned long long now = 0, ever = 0;
    const int answer = nvml.call("nvmlDeviceGetTotalEccErrors", gpu, kUncorrected, kSinceReboot, &now);
    const bool hasNow = isAnswer(nvml, findings, answer, "ECC errors");
    if (answer == NvmlLibrary::kNotSupported)
        findings.remark("memory errors are not counted (it has no ECC, or it is off)");
    else if (hasNow && now == 0)
        findings.remark("no memory errors since the driver was loaded");
    const bool hasEver =
        isAnswer(nvml, findings, nvml.call("nvmlDeviceGetTotalEccErrors", gpu, kUncorrected, kEver, &ever), "ECC errors ever");
    if (hasNow && now > 0)
        findings.add(ReadinessLevel::Limited, std::to_string(now) + " uncorrected memory errors since the driver was loaded.",
                     "Targets may have computed with wrong data, or end with an error of CUDA.",
                     "drain it and `sudo nvidia-smi --gpu-reset -i " + number + "`; replace it when they come back");
    else if (hasEver && ever > 0)
        findings.add(ReadinessLevel::Note, std::to_string(ever) + " uncorrected memory errors in its life.", {}, {});
    unsigned corrected = 0, uncorrected = 0, isPending = 0, hasFailed = 0;
    const int remapped = nvml.call("nvmlDeviceGetRemappedRows", gpu, &corrected, &uncorrected, &isPending, &hasFailed);
    if (isAnswer(nvml, findings, remapped, "remapped rows") && hasFailed)
        findings.add(ReadinessLevel::Limited, "Remapping rows of its memory has failed.", "Memory errors will come back.", "replace it");
    else if (remapped == NvmlLibrary::kSuccess && isPending)
        findings.add(ReadinessLevel::Limited, "Rows of its memory wait to be remapped.", "Memory errors may come back until then.",
                     "drain it and `sudo nvidia-smi --gpu-reset -i " + number + "`");
    int pages = 0;
    if (isAnswer(nvml, findings, nvml.call("nvmlDeviceGetRetiredPagesPendingStatus", gpu, &pages), "retired pages") && pages)
        findings.add(ReadinessLevel::Note, "Pages of its memory wait to be retired.", {}, "reboot the node when it is drained");
}

void lookAtClocks(const NvmlLibrary& nvml, void* gpu, const std::string& number, Findings& findings)
{
    unsigned long long reasons = 0;
    int status = nvml.call("nvmlDeviceGetCurrentClocksEventReasons", gpu, &reasons);
    if (status == NvmlLibrary::kNotThere)
        status = nvml.call("nvmlDeviceGetCurrentClocksThrottleReasons", gpu, &reasons);
    constexpr const char* kSlower = "Kernels run slower than the GPU could, so that times do not compare with those of other nodes.";
    if (isAnswer(nvml, findings, status, "what holds its clocks down")) {
        if (reasons & (kHardwareThermal | kSoftwareThermal))
            findings.add(ReadinessLevel::Limited, "Its clocks are held down by heat just now.", kSlower,
                         "see to its cooling: `nvidia-smi -q -d TEMPERATURE`");
        else if (reasons & (kHardwareSlowdown | kPowerBrake))
            findings.add(ReadinessLevel::Limited, "Its clocks are held down by the hardware (power brake or slowdown) just now.", kSlower,
                         "see to its power supply: `nvidia-smi -q -d PERFORMANCE`");
        else if (reasons & kPowerCap)
            findings.add(ReadinessLevel::Note, "Its clocks are held down by its power limit just now.", {}, {});
        else
            findings.remark("its clocks are not held down");
    }
    unsigned limit = 0, standard = 0;
    const bool hasLimit = isAnswer(nvml, findings, nvml.call("nvmlDeviceGetEnforcedPowerLimit", gpu, &limit), "power limit");
    const bool hasStandard =
        isAnswer(nvml, findings, nvml.call("nvmlDeviceGetPowerManagementDefaultLimit", gpu, &standard), "default power limit");
    if (hasLimit && hasStandard && limit < standard)
        findings.add(ReadinessLevel::Note,
                     "Its power limit is " + std::to_string(limit / 1000) + " W, below the default of " + std::to_string(standard / 1000) +
                         " W.",
                     kSlower, "sudo nvidia-smi -i " + number + " -pl " + std::to_string(standard / 1000));
}

void lookAtModes(const NvmlLibrary& nvml, void* gpu, const std::string& number, Findings& findings)
{
    unsigned current = 0, pending = 0;
    if (isAnswer(nvml, findings, nvml.call("nvmlDeviceGetMigMode", gpu, &current, &pending), "MIG mode") && current)
        findings.add(ReadinessLevel::Note, "It is divided (MIG).",
                     "Its utilisation is not told, and its hardware counters may be refused; kernels and memory copies are recorded.", {});
    int isPersistent = 0;
    if (isAnswer(nvml, findings, nvml.call("nvmlDeviceGetPersistenceMode", gpu, &isPersistent), "persistence mode") && !isPersistent)
        findings.add(ReadinessLevel::Note, "Persistence mode is off.",
                     "The first program that uses it waits for the driver for a second or more.",
                     "sudo nvidia-smi -i " + number + " -pm 1");
}

proto::ReadinessItem lostGpu(const std::string& topic, const std::string& number, const std::string& problem)
{
    return {topic, ReadinessLevel::Blocked, "GPU " + number + " is lost: " + problem + ".",
            "Nothing of it can be captured, and what ran on it has failed.",
            "look for its Xid: `sudo dmesg | grep Xid` (79: it fell off the bus); drain the node, then `sudo nvidia-smi --gpu-reset -i " +
                number + "`, and if that fails, reboot"};
}

} // namespace

proto::ReadinessItem gpuHealth(const NvmlLibrary& nvml, const NvmlLibrary::Device& gpu)
{
    const std::string number = std::to_string(gpu.index);
    proto::ReadinessItem item{"gpu " + number, ReadinessLevel::Ok, {}, {}, {}};
    if (!gpu.handle)
        return lostGpu(item.topic, number, gpu.problem);
    char name[96] = {};
    const int answer = nvml.call("nvmlDeviceGetName", gpu.handle, static_cast<char*>(name), unsigned{sizeof name});
    if (NvmlLibrary::isLoss(answer))
        return lostGpu(item.topic, number, nvml.problemOf(answer));
    Findings findings(item);
    lookAtMemory(nvml, gpu.handle, number, findings);
    lookAtClocks(nvml, gpu.handle, number, findings);
    lookAtModes(nvml, gpu.handle, number, findings);
    findings.finish(answer == NvmlLibrary::kSuccess ? name : "GPU " + number);
    return item;
}

} // namespace gantry::node
