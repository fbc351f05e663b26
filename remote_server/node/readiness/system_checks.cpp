#include "remote_server/node/readiness/system_checks.h"

#include "remote_server/node/small_file.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string_view>
#include <sys/timex.h>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using proto::ReadinessLevel;

constexpr std::uint64_t kRingBytes = 9 * 4096; // that a thread's context switches take: context_switches.cpp
constexpr std::uint64_t kFewThreads = 256;
constexpr std::int64_t kLargeClockErrorUs = 100'000;

/// What follows the first `key` at the beginning of a line.
std::optional<std::string> lineValue(const std::string& text, std::string_view key)
{
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key)) {
            const std::size_t begin = line.find_first_not_of(" \t", key.size());
            return begin == std::string::npos ? std::string() : line.substr(begin);
        }
    return std::nullopt;
}

std::string trimmed(std::string text)
{
    text.erase(text.find_last_not_of(" \t\n") + 1);
    return text;
}

} // namespace

Result<bool> hasCapability(const ReadinessInputs& inputs, Capability capability, const std::string& process)
{
    const fs::path folder = inputs.root / "proc" / process;
    GANTRY_TRY(const std::string status, readSmallFile(folder / "status"));
    // user_namespaces(7): those of another namespace, as root's in a rootless container, count for nothing outside of it.
    std::error_code unknown;
    const std::string space = fs::read_symlink(folder / "ns/user", unknown).string();
    const std::string own = fs::read_symlink(inputs.root / "proc/self/ns/user", unknown).string();
    if (!space.empty() && !own.empty() && space != own)
        return false;
    const auto text = lineValue(status, "CapEff:");
    std::uint64_t mask = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), mask, 16).ec != std::errc())
        return Error{ErrorCode::Unsupported, "the kernel does not tell the capabilities of process " + process, {}};
    return (mask >> static_cast<int>(capability) & 1U) != 0;
}

std::string containerOf(const ReadinessInputs& inputs)
{
    std::error_code ignored;
    if (fs::exists(inputs.root / ".dockerenv", ignored))
        return "docker";
    if (fs::exists(inputs.root / "run/.containerenv", ignored))
        return "podman";
    if (inputs.environment.contains("KUBERNETES_SERVICE_HOST"))
        return "kubernetes";
    if (inputs.environment.contains("APPTAINER_CONTAINER") || inputs.environment.contains("SINGULARITY_CONTAINER"))
        return "apptainer";
    if (const auto groups = readSmallFile(inputs.root / "proc/self/cgroup"))
        for (const char* name : {"kubepods", "docker", "containerd", "libpod", "lxc"})
            if (groups->find(name) != std::string::npos)
                return name;
    return {};
}

ReadinessItems checkContextSwitches(const ReadinessInputs& inputs)
{
    const auto level = readSmallFile(inputs.root / "proc/sys/kernel/perf_event_paranoid");
    const std::string paranoid = level ? "kernel.perf_event_paranoid is " + trimmed(*level) : "kernel.perf_event_paranoid cannot be read";
    if (const auto permitted = inputs.contextSwitches(); !permitted) {
        const bool isForbidden = permitted.error().code == ErrorCode::NotPermitted;
        return {{"context switches", ReadinessLevel::Limited, permitted.error().message,
                 "Windows have no lanes of when threads ran on a processor; all else is recorded.",
                 isForbidden ? "sudo sysctl kernel.perf_event_paranoid=2, or give gantryd CAP_PERFMON; in a container also allow "
                               "perf_event_open in its seccomp profile"
                             : ""}};
    }
    return {{"context switches", ReadinessLevel::Ok, "The kernel lets gantryd record them; " + paranoid + ".", {}, {}}};
}

ReadinessItems checkMemoryLock(const ReadinessInputs& inputs)
{
    const auto limits = readSmallFile(inputs.root / "proc/self/limits");
    if (!limits)
        return {unknownItem("memory lock", limits.error().message)};
    const auto text = lineValue(*limits, "Max locked memory");
    const std::string soft = text ? text->substr(0, text->find(' ')) : std::string();
    std::uint64_t bytes = 0;
    if (soft == "unlimited")
        return {{"memory lock", ReadinessLevel::Ok, "gantryd may lock as much memory as it wants.", {}, {}}};
    if (std::from_chars(soft.data(), soft.data() + soft.size(), bytes).ec != std::errc() || soft.empty())
        return {unknownItem("memory lock", "/proc/self/limits has no line of locked memory")};
    const auto isFree = hasCapability(inputs, Capability::IpcLock);
    if (isFree && *isFree)
        return {{"memory lock", ReadinessLevel::Ok, "gantryd may lock as much memory as it wants (CAP_IPC_LOCK).", {}, {}}};
    const std::uint64_t threads = bytes / kRingBytes;
    const std::string finding = "gantryd may lock " + std::to_string(bytes / 1024) + " KiB of memory.";
    if (threads >= kFewThreads)
        return {{"memory lock", ReadinessLevel::Ok, finding, {}, {}}};
    return {{"memory lock", ReadinessLevel::Note, finding,
             "Context switches are recorded of some " + std::to_string(threads) + " threads at once, beside what the kernel adds.",
             "start gantryd with `ulimit -l unlimited`, in a container with --ulimit memlock=-1"}};
}

ReadinessItems checkClockSource(const ReadinessInputs& inputs)
{
    const auto text = readSmallFile(inputs.root / "sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (!text)
        return {unknownItem("clock source", text.error().message)};
    const std::string source = trimmed(*text);
    // Read without entering the kernel: vdso(7). arch_sys_counter is that of Arm.
    for (const char* fast : {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"})
        if (source == fast)
            return {
                {"clock source", ReadinessLevel::Ok, "The kernel's clock is " + source + ", which is read within some ten ns.", {}, {}}};
    return {{"clock source", ReadinessLevel::Limited, "The kernel's clock is " + source + ", which takes a system call to read.",
             "Every range and call that is recorded costs its target a microsecond or so more.",
             "see `dmesg | grep -i clocksource` for why tsc was given up; boot with tsc=reliable where the machine's is"}};
}

Result<ClockState> clockState()
{
    timex state{};
    if (adjtimex(&state) < 0)
        return errnoError(errno, "adjtimex");
    return ClockState{(state.status & STA_UNSYNC) == 0, state.maxerror};
}

ReadinessItems checkClockSync(const ReadinessInputs& inputs)
{
    const auto clock = inputs.clock();
    if (!clock)
        return {unknownItem("clock sync", clock.error().message)};
    const std::string effect = "Windows on several nodes are aligned by Gantry's own measurement; only the time of day in reports, and a "
                               "common start that other tools ask for, are as good as this clock.";
    constexpr const char* kFix = "start chrony or systemd-timesyncd: `timedatectl set-ntp true`";
    if (!clock->isSynchronised)
        return {{"clock sync", ReadinessLevel::Note, "The time of day is not synchronised with anything.", effect, kFix}};
    char error[64];
    std::snprintf(error, sizeof error, "%.1f ms", static_cast<double>(clock->maxErrorUs) / 1000);
    const std::string finding = std::string("The time of day is synchronised; the kernel bounds its error by ") + error + ".";
    if (clock->maxErrorUs > kLargeClockErrorUs)
        return {{"clock sync", ReadinessLevel::Note, finding, effect, kFix}};
    return {{"clock sync", ReadinessLevel::Ok, finding, {}, {}}};
}

ReadinessItems checkContainer(const ReadinessInputs& inputs)
{
    const auto status = readSmallFile(inputs.root / "proc/self/status");
    if (!status)
        return {unknownItem("container", status.error().message)};
    const std::string container = containerOf(inputs);
    const auto seccomp = lineValue(*status, "Seccomp:");
    const bool isFiltered = seccomp && *seccomp != "0";
    if (container.empty() && !isFiltered)
        return {{"container", ReadinessLevel::Ok, "gantryd runs outside of any container that it can recognise.", {}, {}}};
    std::string finding =
        container.empty() ? "gantryd's system calls are filtered (seccomp)." : "gantryd runs in a container (" + container + ")";
    if (!container.empty())
        finding += isFiltered ? ", with its system calls filtered (seccomp)." : ".";
    return {{"container", ReadinessLevel::Note, finding,
             "Targets and their process numbers are those of this container; what runs beside it is not seen.",
             "to capture another container, run gantryd in it, or share its process namespace and the folder of gantryd's socket"}};
}

ReadinessItems checkTimeNamespace(const ReadinessInputs& inputs)
{
    // time_namespaces(7): "monotonic SECONDS NANOSECONDS", against the first namespace.
    const auto text = readSmallFile(inputs.root / "proc/self/timens_offsets");
    if (!text && text.error().code == ErrorCode::NotFound)
        return {{"time namespace", ReadinessLevel::Ok, "The kernel has no time namespaces: all processes read the same clocks.", {}, {}}};
    if (!text)
        return {unknownItem("time namespace", text.error().message)};
    std::int64_t seconds = 0, nanoseconds = 0;
    if (const auto line = lineValue(*text, "monotonic"); !line || !(std::istringstream(*line) >> seconds >> nanoseconds))
        return {unknownItem("time namespace", "/proc/self/timens_offsets has no line of the monotonic clock")};
    if (seconds == 0 && nanoseconds == 0)
        return {{"time namespace", ReadinessLevel::Ok, "gantryd reads the machine's own monotonic clock.", {}, {}}};
    return {{"time namespace", ReadinessLevel::Limited,
             "gantryd's monotonic clock is " + std::to_string(seconds) + " s off the machine's (a time namespace).",
             "Metrics and context switches of targets outside of this namespace lie beside their events.",
             "run gantryd in the time namespace of its targets"}};
}

} // namespace gantry::node
