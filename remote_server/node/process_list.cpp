#include "remote_server/node/process_list.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/sampling/nvml_processes.h"
#include "remote_server/node/user_name.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr std::size_t kMostCommandBytes = 4096;          // node.proto
constexpr std::int64_t kShortestCpuTimeNs = 200'000'000; // ticks are of 10 ms; several clients may ask
constexpr int kDeepest = 64;

std::int64_t ticksPerSecond()
{
    return sysconf(_SC_CLK_TCK);
}

/// CLOCK_REALTIME at which the machine was booted.
std::int64_t bootUtcNs()
{
    timespec sinceBoot{};
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot);
    return utcNow() - (std::int64_t{sinceBoot.tv_sec} * 1'000'000'000 + sinceBoot.tv_nsec);
}

bool hasEnded(const proto::Target& target)
{
    return target.state == proto::TargetState::Exited || target.state == proto::TargetState::Killed;
}

/// Where processes have the numbers that the driver knows them by.
bool isInFirstPidNamespace(const std::filesystem::path& proc)
{
    std::error_code unknown;
    const std::string name = std::filesystem::read_symlink(proc / "self/ns/pid", unknown).string();
    return name.empty() || name == "pid:[4026531836]"; // PROC_PID_INIT_INO of Linux
}

} // namespace

std::map<int, std::string> targetsOfProcesses(const std::vector<ProcessEntry>& processes, const std::vector<proto::Target>& targets)
{
    std::map<int, std::string> owners;
    std::map<int, std::string> groups; // one that was launched leads a group: children that left their parent stay in it
    for (const proto::Target& target : targets) {
        for (const proto::TargetProcess& process : target.processes)
            owners.emplace(process.pid, target.id);
        if (hasEnded(target) || target.pid <= 1)
            continue;
        owners.emplace(target.pid, target.id);
        if (!target.adopted)
            groups.emplace(target.pid, target.id);
    }
    std::map<int, const ProcessEntry*> byPid;
    for (const ProcessEntry& entry : processes)
        byPid[entry.pid] = &entry;
    std::map<int, std::string> result;
    for (const ProcessEntry& entry : processes) {
        const ProcessEntry* at = &entry;
        for (int depth = 0; at && depth < kDeepest && !owners.contains(at->pid); ++depth) {
            const auto parent = byPid.find(at->parent);
            at = parent == byPid.end() ? nullptr : parent->second;
        }
        if (const auto owner = at ? owners.find(at->pid) : owners.end(); owner != owners.end())
            result[entry.pid] = owner->second;
        else if (const auto group = groups.find(entry.group); group != groups.end())
            result[entry.pid] = group->second;
    }
    return result;
}

ProcessLister::GpuUses ProcessLister::gpuUses(std::string& whyNone)
{
    if (!isInFirstPidNamespace(m_options.proc)) {
        whyNone = "the driver numbers processes as the host does, and this gantryd runs in a container, where they have other numbers";
        return {};
    }
    if (!m_nvml) {
        auto opened = NvmlLibrary::open(m_options.nvmlLibrary);
        if (!opened) {
            whyNone = opened.error().message;
            return {};
        }
        m_nvml = std::move(*opened);
    }
    GpuUses uses;
    for (const NvmlLibrary::Device& gpu : m_nvml->devices()) {
        if (!gpu.handle)
            continue;
        for (const auto& [pid, use] : processesOf(*m_nvml, gpu))
            uses[pid].push_back(use);
    }
    return uses;
}

std::optional<double> ProcessLister::cpuCores(const ProcessEntry& entry, std::map<int, CpuTime>& times)
{
    CpuTime now{entry.startTicks, entry.cpuTicks, monotonicNow(), std::nullopt};
    if (const auto last = m_cpuTimes.find(entry.pid); last != m_cpuTimes.end() && last->second.startTicks == entry.startTicks) {
        const std::int64_t elapsed = now.monotonicNs - last->second.monotonicNs;
        if (elapsed < kShortestCpuTimeNs)
            now = last->second;
        else if (entry.cpuTicks >= last->second.cpuTicks)
            now.cores = static_cast<double>(entry.cpuTicks - last->second.cpuTicks) / static_cast<double>(ticksPerSecond()) * 1e9 /
                        static_cast<double>(elapsed);
    }
    times[entry.pid] = now;
    return now.cores;
}

proto::NodeProcess ProcessLister::describe(const ProcessEntry& entry, std::map<int, CpuTime>& times)
{
    proto::NodeProcess process;
    process.pid = entry.pid;
    auto user = m_users.find(entry.owner);
    if (user == m_users.end())
        user = m_users.emplace(entry.owner, userName(entry.owner)).first;
    process.user = user->second;
    process.argv = commandLineOf(m_options.proc, entry.pid, kMostCommandBytes);
    std::error_code hidden; // of another user
    process.executable = std::filesystem::read_symlink(m_options.proc / std::to_string(entry.pid) / "exe", hidden).string();
    if (process.executable.empty())
        process.executable = process.argv.empty() ? entry.name : process.argv.front();
    process.startedUtcNs =
        bootUtcNs() + static_cast<std::int64_t>(static_cast<double>(entry.startTicks) * 1e9 / static_cast<double>(ticksPerSecond()));
    process.residentBytes = entry.residentBytes;
    process.cpuCores = cpuCores(entry, times);
    return process;
}

proto::ProcessList ProcessLister::list(const std::vector<proto::Target>& targets)
{
    const std::lock_guard lock(m_mutex);
    proto::ProcessList list;
    GpuUses uses = gpuUses(list.noGpuUseReason);
    const auto entries = readProcesses(m_options.proc);
    const auto owners = targetsOfProcesses(entries, targets);
    std::map<int, CpuTime> times;
    std::set<int> seen;
    for (const ProcessEntry& entry : entries) {
        const auto owner = owners.find(entry.pid);
        const auto use = uses.find(entry.pid);
        if (owner == owners.end() && use == uses.end())
            continue;
        proto::NodeProcess process = describe(entry, times);
        if (owner != owners.end())
            process.targetId = owner->second;
        if (use != uses.end())
            process.gpus = std::move(use->second);
        seen.insert(entry.pid);
        list.processes.push_back(std::move(process));
    }
    for (auto& [pid, gpus] : uses)
        if (!seen.contains(pid)) {
            proto::NodeProcess process;
            process.pid = pid;
            process.gpus = std::move(gpus);
            list.processes.push_back(std::move(process));
        }
    std::sort(list.processes.begin(), list.processes.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
    m_cpuTimes = std::move(times);
    return list;
}

} // namespace gantry::node
